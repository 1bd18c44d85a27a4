"""Topic patterns as users know them: `*` is one segment, a last `**` is one or more."""


def matches(pattern, topic):
    wanted, given = pattern.split("."), topic.split(".")
    if wanted[-1] == "**":
        wanted.pop()
        return len(given) > len(wanted) and matches_each(wanted, given)
    return len(wanted) == len(given) and matches_each(wanted, given)


def matches_each(wanted, given):
    return all(each in ("*", segment) for each, segment in zip(wanted, given))


def matches_any(patterns, topic):
    return any(matches(pattern, topic) for pattern in patterns)
