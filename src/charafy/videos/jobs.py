"""Videos as durable workflows: what was begun goes on after a crash, where it was.

DBOS records which steps of a video are done; the row in `videos` says what is wanted and settles
the money. A worker that dies leaves its videos to whoever finds that out, which takes them up at
the step that was interrupted. See docs/decisions/video-jobs.md and many-processes.md.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy.exc import OperationalError

from charafy.kernel.db_url import patient
from charafy.kernel.observe import Metrics, describe
from charafy.kernel.settings import Settings
from charafy.kernel.traces import Traces
from charafy.videos.making import Maker, failure_of, may_pass
from charafy.videos.models import Failure, Video
from charafy.videos.work import Unwanted, Work

if TYPE_CHECKING:  # heavy, and only the worker needs it
    from dbos import StepOptions

log = structlog.get_logger("charafy.videos")

QUEUE: Final = "videos"
VERSION: Final = "1"
"""Of the steps. A worker only takes up what a worker of its own version left: it goes up with a
change that could not follow a step of the version before, and then nothing may be under way."""
POLL_S: Final = 0.5
"""How often new orders are looked for, and by the queue for what may start."""
LOOK_S: Final = 0.5
"""How often a video under way is checked for whether it is still wanted."""
REPORT_S: Final = 1.0
_CONNECTIONS: Final = 8
"""To the records of jobs, where a database counts them."""
_ATTEMPTS: Final = 3
_WAIT_S: Final = 2.0
_ENDED: Final = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


class Jobs:
    """The worker's part. One per process, because DBOS is."""

    def __init__(
        self,
        settings: Settings,
        work: Work,
        maker: Maker,
        run: str,
        *,
        metrics: Metrics,
        traces: Traces,
    ) -> None:
        """`run`: this very run of the worker, under which nothing was ever begun before."""
        self._metrics = metrics
        self._traces = traces
        self._settings = settings
        self._worker = run
        self._work = work
        self._maker = maker
        self._stopping = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="video-orders", daemon=True)
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._parked: set[str] = set()
        self._known: set[str] = set()
        self._make: Callable[[str], None] | None = None

    @property
    def under_way(self) -> frozenset[str]:
        """The ids of the videos that this process is making."""
        with self._lock:
            return frozenset(self._busy)

    def start(self) -> None:
        """Take up what is ordered from now on. Returns when that works."""
        from dbos import DBOS

        DBOS(
            config={
                "name": "charafy",
                "system_database_url": patient(self._settings.jobs_db_url),
                "executor_id": self._worker,
                "sys_db_pool_size": max(_CONNECTIONS, 2 * self._settings.video_concurrency),
                "application_version": VERSION,
                # Its words are for developers of workflows; we log what matters ourselves.
                "log_level": "CRITICAL",
            }
        )

        # Attempts are counted in the row, where stopping on purpose does not count.
        @DBOS.workflow(name="make_video", max_recovery_attempts=None)
        def make_video(video_id: str) -> None:
            self._run(video_id)

        self._make = make_video
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._settings.video_concurrency,
            global_concurrency=self._settings.video_concurrency_total or None,
            polling_interval_sec=POLL_S,
            on_conflict="always_update",
        )
        self._poller.start()

    def take_over(self, runs: list[str]) -> None:
        """Let whoever is free go on with what these runs of workers had begun: they are over.

        Does nothing to what was taken up by another since; so two may do it at once.
        """
        from dbos import DBOS

        # What DBOS itself does at a start, for other names than its own.
        DBOS._recover_pending_workflows(runs)

    def drain(self, patience_s: float) -> bool:
        """Take up nothing more and put down what is under way, after its frame or its sentence.

        What is put down keeps its thread: the process is expected to end now. False when
        something was still busy after `patience_s` seconds.
        """
        self._stopping.set()
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            with self._lock:
                if self._busy <= self._parked:
                    return True
            time.sleep(0.02)
        return False

    def end_stranded(self) -> int:
        """Fail videos whose workflow ended without ending them: a full disk, a lost record."""
        from dbos import DBOS

        waiting = list(self._work.waiting())
        if not waiting:
            return 0
        ended = DBOS.list_workflows(
            workflow_ids=waiting, status=list(_ENDED), load_input=False, load_output=False
        )
        for workflow in ended:
            log.error("video_stranded", video_id=workflow.workflow_id)
            self._work.fail(workflow.workflow_id, Failure("internal"))
            self._maker.clean(self._work.find(workflow.workflow_id), workflow.workflow_id)
        return len(ended)

    def forget_ended(self, before_s: float = 86_400.0) -> int:
        """Drop the records of workflows that ended more than so many seconds ago."""
        from datetime import UTC, datetime, timedelta

        from dbos import DBOS

        moment = datetime.now(UTC) - timedelta(seconds=before_s)
        ended = DBOS.list_workflows(
            status=list(_ENDED),
            completed_before=moment.isoformat(),
            limit=500,
            load_input=False,
            load_output=False,
        )
        DBOS.delete_workflows([workflow.workflow_id for workflow in ended])
        return len(ended)

    def _poll(self) -> None:
        """Hand over every order that DBOS does not know yet."""
        while not self._stopping.wait(POLL_S):
            try:
                self._hand_over()
            except Exception as error:  # noqa: BLE001 - a busy database now is none in a moment
                log.error("orders_not_read", **describe(error))

    def _hand_over(self) -> None:
        from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

        assert self._make is not None
        waiting = self._work.waiting()
        self._known &= set(waiting)
        for video_id, turn in waiting.items():
            if video_id not in self._known:
                # The id makes it once, whoever hands it over and however often.
                with SetWorkflowID(video_id), SetEnqueueOptions(priority=turn + 1):
                    DBOS.enqueue_workflow(QUEUE, self._make, video_id)
                self._known.add(video_id)

    def _run(self, video_id: str) -> None:
        """The workflow. Whatever happens, the video has ended when it returns."""
        with self._lock:
            self._busy.add(video_id)
        try:
            if self._stopping.is_set():
                self._park(video_id)
            with self._metrics.job_seconds.labels("video").time():
                self._conduct(video_id)
            self._maker.clean(self._work.find(video_id), video_id)
        finally:
            with self._lock:
                self._busy.discard(video_id)

    def _conduct(self, video_id: str) -> None:
        from dbos import error as dbos_error

        try:
            video = self._work.begin(video_id)
            made = self._traces.span(
                "video", kind="consumer", parent=video.order.trace, video__id=video_id
            )
            with made:
                self._steps(video)
        except Unwanted:
            return
        except Failure as failure:
            self._work.fail(video_id, failure)
        except dbos_error.DBOSMaxStepRetriesExceeded as error:
            self._give_up(video_id, error.errors[-1] if error.errors else error)
        except dbos_error.DBOSException:  # another process has this workflow: it is not ours to end
            raise
        except Exception as error:  # noqa: BLE001 - the customer gets a reason and the credits
            self._give_up(video_id, error)

    def _steps(self, video: Video) -> None:
        from dbos import DBOS

        tick = self._ticker(video)
        with self._timed("speak"):
            DBOS.run_step(_step("speak"), self._maker.speak, video, tick)
        with self._timed("film"):
            duration_s = DBOS.run_step(_step("film"), self._maker.film, video, tick)
        with self._timed("store"):
            made = DBOS.run_step(_step("store"), self._maker.store, video, duration_s, tick)
        with self._timed("settle"):
            DBOS.run_step(_step("settle"), self._maker.settle, video, made)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        timed = self._metrics.job_step_seconds.labels("video", step).time()
        with timed, self._traces.span(f"video.{step}"):
            yield

    def _give_up(self, video_id: str, error: BaseException) -> None:
        failure = failure_of(error)
        log.error("video_failed", video_id=video_id, code=failure.code, **describe(error))
        self._work.fail(video_id, failure)

    def _ticker(self, video: Video) -> Callable[[float], None]:
        """Watches over one video while it is made."""
        looked_s, reported_s = -LOOK_S, time.monotonic()

        def tick(done: float) -> None:
            nonlocal looked_s, reported_s
            if self._stopping.is_set():
                self._park(video.video_id)
            now_s = time.monotonic()
            if now_s - looked_s >= LOOK_S:
                looked_s = now_s
                self._work.require_wanted(video)
            if now_s - reported_s >= REPORT_S:
                reported_s = now_s
                # Nobody's video is begun anew because the database was busy for a moment.
                with suppress(OperationalError):
                    self._work.report(video.video_id, min(done, 0.99))

        return tick

    def _park(self, video_id: str) -> None:
        """Put the video down and wait for the end of the process.

        Whatever this thread returned or raised would be recorded as the step's outcome.
        """
        with suppress(OperationalError):  # it then counts as an attempt: better than an end
            self._work.put_down(video_id)
        with self._lock:
            self._parked.add(video_id)
        while True:
            time.sleep(3600)


def _step(name: str) -> StepOptions:
    return {
        "name": name,
        "retries_allowed": True,
        "max_attempts": _ATTEMPTS,
        "interval_seconds": _WAIT_S,
        "backoff_rate": 2.0,
        "should_retry": may_pass,
    }
