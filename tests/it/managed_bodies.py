"""Holds requests to the types of the vendor's own client. Each line of the standard input is a call
and its body, as in `["POST /v1/sessions", {...}]`. A field that the type does not know is refused, at
any depth. Prints how many there were."""

import json, sys, typing
import typing_extensions
from pydantic import TypeAdapter
from anthropic.types.beta import agent_create_params, environment_create_params, session_create_params
from anthropic.types.beta.sessions import event_send_params

TYPES = {
    "agents": agent_create_params.AgentCreateParams,
    "environments": environment_create_params.EnvironmentCreateParams,
    "sessions": session_create_params.SessionCreateParams,
    "events": event_send_params.EventSendParams,
}

def known(value, shape, where):
    """Whether each field of what passed is one that the type declares."""
    args = [arg for arg in typing.get_args(shape) if arg is not type(None)]
    if typing_extensions.is_typeddict(shape) and isinstance(value, dict):
        fields = typing_extensions.get_type_hints(shape)
        odd = value.keys() - fields.keys()
        if odd:
            raise ValueError(f"{where}: {odd}")
        for name, inner in value.items():
            known(inner, fields[name], f"{where}.{name}")
    elif isinstance(value, list) and len(args) == 1:
        for at, inner in enumerate(value):
            known(inner, args[0], f"{where}[{at}]")
    elif isinstance(value, (dict, list)) and args and typing.get_origin(shape) is not dict:
        failures = []
        for arg in args:
            try:
                TypeAdapter(arg).validate_python(value)
                return known(value, arg, where)
            except Exception as error:
                failures.append(str(error))
        raise ValueError(f"{where}: {value}: {failures}")

count = 0
for line in sys.stdin:
    call, body = json.loads(line)
    shape = TYPES[call.rsplit("/", 1)[1]]
    TypeAdapter(shape).validate_python(body)
    known(body, shape, call)
    count += 1
print(count)
