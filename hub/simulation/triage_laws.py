"""What must hold of dead letters and of the plans that replay them, whatever happened on the way."""

from collections import Counter
from collections.abc import Iterator

from hub.simulation.facts import Facts

PLAN_ENDS = {"done", "aborted"}


def letters_end(f: Facts) -> Iterator[str]:
    """Nothing is being replayed or made up for any more, and no plan is under way."""
    for letter in f.rows("dead_letters"):
        if letter.state in {"replaying", "discarded"}:
            yield f"letter {letter.id} of {letter.kind} {letter.step_id} is {letter.state} for ever"
    for plan in f.rows("replay_plans"):
        if plan.state not in PLAN_ENDS:
            yield f"plan {plan.id} is {plan.state} for ever: {plan.held}"


def what_is_resolved_is_settled(f: Facts) -> Iterator[str]:
    """A letter is resolved only when its step has ended."""
    steps = {step.id: step for step in f.rows("steps")}
    for letter in f.rows("dead_letters"):
        step = steps.get(letter.step_id)
        if letter.state == "resolved" and step is not None and step.state == "open":
            yield f"letter {letter.id} is resolved ({letter.resolution}), and its step {step.id} of {step.kind} is open"


def each_act_is_one_sending(f: Facts) -> Iterator[str]:
    """A letter was sent as often as somebody asked for it, and by a plan once for each time that it was started."""
    sent = Counter((row.subject_id, row.reason) for row in f.rows("timeline") if row.life == "letter" and row.event == "replay")
    asked = Counter((row.subject_id, row.why) for row in f.rows("audit_log") if row.what == "dead_letter.replayed")
    if sent != asked:
        yield f"sent {sent - asked} without being asked, asked {asked - sent} without being sent"
    starts = Counter(row.subject_id for row in f.rows("timeline") if row.life == "plan" and row.event in {"start", "resume"})
    for (letter_id, why), times in sent.items():
        plan = why.removeprefix("plan ").partition(":")[0]
        if why.startswith("plan ") and times > starts[plan]:
            yield f"{plan} was started {starts[plan]} times and has sent {letter_id} {times} times"


def each_item_tells_what_became_of_it(f: Facts) -> Iterator[str]:
    """In a plan that is done nothing waits; what it says was sent was sent."""
    done = {plan.id for plan in f.rows("replay_plans") if plan.state == "done"}
    sent = {(row.subject_id, row.reason.partition(":")[0]) for row in f.rows("timeline") if row.life == "letter" and row.event == "replay"}
    for item in f.rows("replay_items"):
        if item.plan_id in done and item.state in {"waiting", "sent"}:
            yield f"{item.plan_id} is done, and its item {item.number} is {item.state}"
        if item.sent_at is not None and item.state != "waiting" and (item.letter_id, f"plan {item.plan_id}") not in sent:
            yield f"{item.plan_id} says that it has sent {item.letter_id}, which nobody has"


LAWS = (letters_end, what_is_resolved_is_settled, each_act_is_one_sending, each_item_tells_what_became_of_it)
