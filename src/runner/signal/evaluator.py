#!/usr/bin/env python3
"""Whether a trace shows one failure. Written by `loop signal issue to-eval`, to be made better.

    python3 evaluator.py [DATASET]      holds evaluate() against the labels of dataset.jsonl

A row: id, label ("fail" or "pass"), input and output of the trace, and its steps (name, kind, status,
error_type, error_message, tool, model, agent, input, output), in the order in which they began. Put
evaluate() where traces are evaluated, and add rows whenever it is wrong.
"""

import json
import pathlib
import sys

ISSUE = {{issue}}
PROJECT = {{project}}
TITLE = {{title}}
ENTITY = {{entity}}
ADVICE = {{advice}}


{{evaluate}}


def main(path):
    wrong = 0
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    for row in rows:
        label, why = evaluate(row)
        if label != row["label"]:
            wrong += 1
            print(f"{row['id']}: {label}, and should be {row['label']}: {why}")
    print(f"{len(rows) - wrong} of {len(rows)} rows as labelled: {TITLE}")
    return 1 if wrong else 0


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent / "dataset.jsonl"
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here))
