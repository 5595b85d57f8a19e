def evaluate(row):
    """The label and a reason: "fail" where the failure shows. What it shows by is yours to say."""
    raise NotImplementedError(f"say how a row shows it: {TITLE}")
