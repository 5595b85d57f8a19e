ERROR_TYPE = {{error_type}}


def evaluate(row):
    """The label and a reason: "fail" where a step of ENTITY ends in this error and none mends it."""
    failed = None
    for step in row["steps"]:
        if ENTITY not in (step["tool"], step["model"], step["agent"], step["name"]):
            continue
        if step["status"] == "ERROR" and (step["error_type"] or "") == ERROR_TYPE:
            failed = step["error_message"] or "no message"
        elif step["status"] != "ERROR":
            failed = None
    return ("fail", failed) if failed else ("pass", f"no {ERROR_TYPE or 'error'} in {ENTITY}")
