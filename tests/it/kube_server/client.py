"""Kubernetes' own client for Python against the tests' API server. Arguments: the kubeconfig, and what to do."""
import json, sys, time
from urllib.parse import urlencode
import websocket
from kubernetes import client, config, watch
from kubernetes.stream import stream

config.load_kube_config(sys.argv[1])
core, batch = client.CoreV1Api(), client.BatchV1Api()
SPACE = 'loop'


def pod_of(job, phase):
    for _ in range(600):
        for pod in core.list_namespaced_pod(SPACE, label_selector=f'job-name={job}').items:
            if pod.status.phase == phase:
                return pod
        time.sleep(.05)
    raise SystemExit(f'{job} is not {phase}')


def lives():
    """A session's life, as another program would drive it."""
    batch.create_namespaced_job(SPACE, json.loads(sys.argv[3]))
    name = pod_of('py', 'Running').metadata.name
    run = lambda *words, **more: stream(core.connect_get_namespaced_pod_exec, name, SPACE, command=list(words),
        stdout=True, stderr=True, stdin=False, tty=False, **more)
    assert run('echo', 'hello') == 'hello\n'
    for words, code in [(['true'], 0), (['sh', '-c', 'echo o; echo e >&2; exit 3'], 3)]:
        talk = run(*words, _preload_content=False)
        talk.run_forever(timeout=20)
        assert talk.returncode == code, talk.returncode
        if code:
            assert (talk.read_stdout(), talk.read_stderr()) == ('o\n', 'e\n')
    talk = stream(core.connect_get_namespaced_pod_exec, name, SPACE, command=['head', '-c', '6'],
        stdout=True, stderr=True, stdin=True, tty=False, _preload_content=False)
    talk.write_stdin('abc'); talk.write_stdin('def')
    talk.run_forever(timeout=20)
    assert talk.read_stdout() == 'abcdef' and talk.returncode == 0
    seen = []
    follow = watch.Watch()
    batch.delete_namespaced_job('py', SPACE, propagation_policy='Background')
    for event in follow.stream(core.list_namespaced_pod, SPACE, timeout_seconds=20):
        seen.append(event['type'])
        if event['type'] == 'DELETED':
            follow.stop()
    assert seen[-1] == 'DELETED', seen
    try:
        batch.read_namespaced_job('py', SPACE)
        raise SystemExit('it is still there')
    except client.ApiException as error:
        assert error.status == 404 and json.loads(error.body)['reason'] == 'NotFound'


def frames():
    """What comes over the WebSocket of each command of the standard input, frame by frame."""
    place = client.Configuration.get_default_copy()
    told = []
    for ask in json.load(sys.stdin):
        words = [('command', word) for word in ask['command']] + [('container', ask['container'])]
        words += [(name, 'true') for name in ['stdout', 'stderr'] + ['stdin'] * bool(ask['stdin'])]
        url = place.host.replace('http', 'ws', 1) + f"/api/v1/namespaces/{SPACE}/pods/{ask['pod']}/exec"
        try:
            socket = websocket.create_connection(url + '?' + urlencode(words),
                subprotocols=ask['offers'], header=['Authorization: ' + next(iter(place.api_key.values()))],
                timeout=20)
        except websocket.WebSocketBadStatusException as error:
            told.append({'code': error.status_code, 'body': (error.resp_body or b'').decode().replace('\n', '')})
            continue
        except (websocket.WebSocketException, OSError) as error:
            told.append({'frames': [], 'cut': type(error).__name__})
            continue
        answer = {'protocol': socket.getsubprotocol(), 'frames': []}
        if ask['stdin']:
            socket.send_binary(b'\0' + ask['stdin'].encode())
        try:
            while not answer['frames'] or answer['frames'][-1][0] != 8:
                kind, data = socket.recv_data()
                closed = kind == 8
                answer['frames'].append([kind, None if closed else data[0], data.hex() if closed else data[1:].decode()])
        except (websocket.WebSocketException, OSError) as error:
            answer['cut'] = type(error).__name__
        told.append(answer)
    print(json.dumps(told))


{'lives': lives, 'frames': frames}[sys.argv[2]]()
