"""Which timings are shown, row by row."""

from __future__ import annotations

from ._figures import Figures, Goal, Row

_RATIO = "one_decision[ratio_lowest_median_highest]"


def _rounds(path: str, spec: str, unit: str) -> str:
    """Median, and the lowest and highest of the rounds."""
    return f"{{{path}[1]:{spec}}}{unit} ({{{path}[0]:{spec}}} to {{{path}[2]:{spec}}})"


def _felt(label: str, database: str, goal_us: int) -> Row:
    path = f"{database}[felt][felt]"
    goal = Goal(f"{goal_us:,} µs", f"{path}[median_us]", at_most=goal_us)
    return Row(
        label,
        "log",
        [f"{{{path}[median_us]:,}} µs, p99 {{{path}[p99_us]:,}} µs", goal],
        f"{{{database}[felt][commit]}}",
    )


def _counted(label: str, database: str) -> Row:
    path = f"{database}[many_rows]"
    command = f"{path}[log_stats_command]"
    return Row(
        label,
        "log",
        [f"{{{command}[s]:.1f}} s, {{{command}[peak_mb]}} MB", Goal("5 s", f"{command}[s]", at_most=5.0)],
        f"{{{path}[commit]}}",
    )


def _added(label: str, case: str, way: str = "blocking", *, goal_ms: float | None = 1.0) -> Row:
    path = f"{way}[{case}][overhead_median_ms]"
    goal = "" if goal_ms is None else Goal(f"{goal_ms:g} ms", path, at_most=goal_ms)
    return Row(label, "run_overhead", [f"{{{path}:.2f}} ms", goal])


TIMINGS = {
    "decision": Figures(
        "`python -m benchmarks.budgets`",
        ("", "tierwise", "usual stack", "ratio", "goal", "goal of the ratio"),
        [
            Row(
                "one warm decision, median, calmest round",
                "budgets",
                [
                    "{one_decision[median_us]:.0f} µs",
                    "{one_decision[usual_median_us]:,} µs",
                    _rounds(_RATIO, ".0f", "×"),
                    Goal("60 µs", "one_decision[median_us]", at_most=60),
                    Goal("200×", f"{_RATIO}[0]", at_least=200),
                ],
            ),
            Row(
                "the same, p99",
                "budgets",
                [
                    "{one_decision[p99_us]:.0f} µs",
                    "",
                    "",
                    Goal("250 µs", "one_decision[p99_us]", at_most=250),
                    "",
                ],
            ),
            Row(
                "the same, all fields read, median",
                "budgets",
                ["{one_decision[median_us_with_all_fields_read]:.0f} µs", "", "", "", ""],
            ),
            Row(
                "many decisions a second, best round; usual stack on all cores",
                "budgets",
                [
                    "{many_decisions[tasks_per_s]:,}",
                    "{many_decisions[usual_texts_per_s_all_cores]:,}",
                    "{many_decisions[ratio]}×",
                    Goal("30,000", "many_decisions[tasks_per_s]", at_least=30_000),
                    "",
                ],
            ),
            Row(
                "fresh process to its first decision, median",
                "budgets",
                [
                    "{cold_process[median_s]:.2f} s",
                    "{cold_process[usual_median_s]:.1f} s",
                    "{cold_process[ratio]:.0f}×",
                    Goal("0.30 s", "cold_process[median_s]", at_most=0.30),
                    Goal("20×", "cold_process[ratio]", at_least=20),
                ],
            ),
            Row(
                "of that, NumPy's import",
                "budgets",
                ["{cold_process[import_numpy_alone_s]:.2f} s", "", "", "", ""],
            ),
            Row(
                "its peak memory",
                "budgets",
                [
                    "{cold_process[peak_mb]:.0f} MB",
                    "{cold_process[usual_peak_mb]:.0f} MB",
                    "",
                    Goal("80 MB", "cold_process[peak_mb]", at_most=80),
                    "",
                ],
            ),
            Row(
                "base install, packages",
                "budgets",
                [
                    "{base_install[n_packages]}",
                    "",
                    "",
                    Goal("5", "base_install[n_packages]", at_most=5),
                    "",
                ],
            ),
            Row(
                "base install, size",
                "budgets",
                ["{base_install[mb]:.0f} MB", "", "", Goal("100 MB", "base_install[mb]", at_most=100), ""],
            ),
        ],
    ),
    "run": Figures(
        "`python -m benchmarks.log` (its parts `felt` and `many_rows`), and of `run_overhead`, `fit` "
        "and `evaluation`",
        ("", "measured", "goal"),
        [
            _felt("an outcome recorded, and read for the next decision: SQLite, median", "sqlite", 1_000),
            _felt("the same, PostgreSQL", "postgresql", 3_000),
            _counted("`tierwise log stats` on 1,000,000 rows, the whole command: SQLite", "sqlite"),
            _counted("the same, PostgreSQL", "postgresql"),
            Row(
                "the SDK's own call on loopback, median",
                "run_overhead",
                ["{blocking[bare_median_ms]:.2f} ms, in asyncio {asyncio[bare_median_ms]:.2f} ms", ""],
            ),
            _added("what a run adds to it, without a log", "execute", goal_ms=None),
            _added("… with a log in SQLite", "logged"),
            _added("… the same in asyncio", "logged", "asyncio"),
            _added("… with a log that learns from the type as well", "learned"),
            _added("… the same in asyncio", "learned", "asyncio"),
            Row(
                "a fit, encoding included, median",
                "fit",
                [
                    "{fit_s_median:.0f} s for {outcomes:,} outcomes of {task_types:,} types; "
                    "each run, s: {fit_s_of_each_run}",
                    Goal("60 s", "fit_s_median", at_most=60),
                ],
            ),
            Row(
                "one more outcome of a known type taken in, median",
                "fit",
                ["{one_more_outcome_felt_median_ms:.2f} ms", ""],
            ),
            Row(
                "decisions a second with states of all types, median of the rounds",
                "fit",
                [
                    "{decisions_with_history_per_s_median:,} "
                    "(best of {decisions_with_history_rounds} rounds: {decisions_with_history_per_s_best:,})",
                    Goal("30,000", "decisions_with_history_per_s_median", at_least=30_000),
                ],
            ),
            Row(
                "the same with counts in place of states",
                "fit",
                ["{decisions_with_counts_per_s_median:,}", ""],
            ),
            Row(
                "`evaluate` from a log in SQLite",
                "evaluation",
                ["{sqlite[s]:.0f} s for {sqlite[rows]:,} rows, {sqlite[peak_mb]} MB at most", ""],
            ),
            Row(
                "`evaluate` from a frame",
                "evaluation",
                [
                    "{frame[s]:.0f} s for {frame[rows]:,} rows, {frame[peak_mb]} MB at most, "
                    "{frame[peak_before_mb]} of them to make the frame",
                    "",
                ],
            ),
        ],
    ),
    "service": Figures(
        "`python -m benchmarks.serve`",
        ("service", "measured (lowest to highest of the rounds)", "goal"),
        [
            Row(
                "`/v1/predict`, requests a second: share of a bare FastAPI endpoint's",
                "serve_bare",
                [
                    _rounds("plain_per_s_ratio", ".0%", ""),
                    Goal("70 %", "plain_per_s_ratio[1]", at_least=0.70),
                ],
            ),
            Row(
                "its p99, in times the bare endpoint's",
                "serve_bare",
                [_rounds("plain_p99_ratio", ".1f", "×"), Goal("2×", "plain_p99_ratio[1]", at_most=2)],
            ),
            Row(
                "with a log, which has every decision: requests a second",
                "serve_bare",
                [_rounds("logged_per_s_ratio", ".0%", ""), ""],
            ),
            Row(
                "with a log: p99",
                "serve_bare",
                [_rounds("logged_p99_ratio", ".1f", "×") + ", {logged_p99_ms:.1f} ms", ""],
            ),
            Row(
                "1,000 tasks a request: tasks a second",
                "serve_batch",
                [
                    _rounds("plain_tasks_per_s", ",", ""),
                    Goal("15,000", "plain_tasks_per_s[1]", at_least=15_000),
                ],
            ),
            Row("the same with a log", "serve_batch", [_rounds("logged_tasks_per_s", ",", ""), ""]),
            Row(
                "promotions under load",
                "serve_swap",
                ["{n_swaps}; {n:,} requests, {failed} failed", Goal("0 failed", "failed", at_most=0)],
            ),
            Row(
                "growth of memory at full load",
                "serve_memory",
                ["{growth:.1%} in {minutes:.0f} minutes, {n:,} requests", ""],
            ),
            Row(
                "page Now over 100,000 decisions: median, slowest of 20",
                "serve_pages",
                [
                    "{counted_before[/][median_ms]:.0f} ms, {counted_before[/][max_ms]:.0f} ms",
                    Goal("200 ms", "counted_before[/][max_ms]", at_most=200),
                ],
            ),
            Row(
                "pages Types, Review, Model and Decision: medians",
                "serve_pages",
                [
                    "{counted_before[/types][median_ms]:.0f}, {counted_before[/review][median_ms]:.0f}, "
                    "{counted_before[/model][median_ms]:.0f} and "
                    "{counted_before[/decisions/ID][median_ms]:.0f} ms",
                    "",
                ],
            ),
            Row(
                "Now in a new process that shows what was counted before: first answer",
                "serve_pages",
                [
                    "{counted_before[/][first_ms]:.0f} ms ({counted_before[/][real_cpu_s]:.2f} s of "
                    "processor time)",
                    Goal("200 ms", "counted_before[/][first_ms]", at_most=200),
                ],
            ),
            Row(
                "where nothing was ever counted: until Now, Types, Review and Model are there, all asked for "
                "at once",
                "serve_pages",
                [
                    "{never_counted[/][real_cpu_s]:.1f}, {never_counted[/types][real_cpu_s]:.1f}, "
                    "{never_counted[/review][real_cpu_s]:.1f} and {never_counted[/model][real_cpu_s]:.1f} s "
                    "of processor time",
                    "",
                ],
            ),
            Row(
                "serverless handler: its process from start to end, then its first event",
                "serve_cold",
                ["{process_cpu_s:.2f} s of processor time, {first_s:.4f} s", ""],
            ),
        ],
    ),
}
