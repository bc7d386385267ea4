"""Owns how much a process is asked: requests under way, bounded, and those answered, counted by status and time."""

from collections import Counter
from collections.abc import Iterator

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds: the upper ends of the histogram of answering times."""


class Traffic:
    """One process's requests. `most` may be under way at once; what has begun to be answered (a stream) counts no more."""

    def __init__(self, most: int = 1_000) -> None:
        self.most = most
        self.under_way = 0
        self.turned_away = 0
        self.draining = False
        """Set when this process is about to end: it answers what comes, and asks everybody to go elsewhere."""
        self._answers: Counter[tuple[str, int]] = Counter()
        self._times: Counter[float] = Counter()
        self._seconds = 0.0

    def answered(self, method: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._answers[method, status] += 1
        self._times[next((bound for bound in BOUNDS if seconds <= bound), float("inf"))] += 1
        self._seconds += seconds

    def lines(self) -> Iterator[str]:
        """In the text format of Prometheus."""
        yield "# TYPE wheelwright_http_requests_total counter"
        for (method, status), count in sorted(self._answers.items()):
            yield f'wheelwright_http_requests_total{{method="{method}",status="{status}"}} {count}'
        yield "# TYPE wheelwright_http_request_seconds histogram"
        total = 0
        for bound in (*BOUNDS, float("inf")):
            total += self._times[bound]
            yield f'wheelwright_http_request_seconds_bucket{{le="{"+Inf" if bound == float("inf") else bound}"}} {total}'
        yield f"wheelwright_http_request_seconds_sum {self._seconds:.6f}"
        yield f"wheelwright_http_request_seconds_count {total}"
        yield "# TYPE wheelwright_http_requests_under_way gauge"
        yield f"wheelwright_http_requests_under_way {self.under_way}"
        yield "# TYPE wheelwright_http_requests_turned_away_total counter"
        yield f"wheelwright_http_requests_turned_away_total {self.turned_away}"
