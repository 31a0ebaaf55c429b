"""Every panel of every dashboard, asked of a store that holds a real run and its telemetry."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pytest
import yaml
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from benchlab import ConstantRate, Plan, Request, Run, run
from benchlab.runs.fault_record import FaultRecord
from benchlab.samples.samples import ErrorKind
from benchlab.store import Store
from benchlab.store.client.dsn import default_dsn
from benchlab.telemetry import ingest
from benchlab.units import NS_PER_S
from tests.stack.dashboards import DASHBOARDS, GRAFANA, panels, reading, variables
from tests.stack.grafana import TimeRange, sql_of
from tests.stack.stored_results import StoredResults, store_results
from tests.target.server import ADD, serving

# By type of panel, what the data source makes of the rows: a time series, a table, a trace.
FORMATS = {"timeseries": 0, "traces": 3}
# What the panel for traces reads.
TRACE_COLUMNS = {
    "traceID", "spanID", "parentSpanID", "operationName", "serviceName", "duration", "startTime",
    "tags", "serviceTags", "statusCode",
}  # fmt: skip

_DAY_NS = 86_400 * NS_PER_S

FAULTS = (
    FaultRecord(0, "latency 20ms for 1s", "latency", 600_000_000, 1_600_000_000),
    FaultRecord(1, "freeze pid=7 at 2s", "freeze", 2_500_000_000, error="cannot be lifted: it's"),
)


@dataclass(frozen=True)
class Filled:
    """A store, the run in it, and the dashboards' settings that show it."""

    client: Client
    run: Run
    when: TimeRange
    variables: dict[str, str | list[str]]
    results: StoredResults

    def ask(self, raw: str, **chosen: str) -> pd.DataFrame:
        """The rows of a panel's SQL, asked under the settings of Grafana's user."""
        when = self.when
        if "experiments" in raw:  # whose results are a day older than the run
            at_ms = self.results.at_ns // 1_000_000
            when = TimeRange(at_ms - 60_000, at_ms + 60_000)
        sql = sql_of(raw, when, {**self.variables, **chosen})
        assert "system." not in sql, "that user may read one database only"
        return self.client.query_df(sql, tz_mode="aware")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    directory = tmp_path_factory.mktemp("dashboards")
    otlp = directory / "otlp"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHLAB_DATA_DIR", str(directory / "data"))
        patch.delenv("BENCHLAB_DSN", raising=False)
        with serving(directory, BENCHLAB_TARGET_OTLP_DIR=str(otlp)) as server:
            url = server.url + ADD
            requests = [
                Request("POST", url, json={"a": [1, 2], "b": [3, 4]}, weight=3, name="add"),
                Request("POST", url, json={"a": [1, 2], "b": [3]}, name="it's refused"),
            ]
            plan = Plan(requests, ConstantRate(100), duration_s=3, warmup_s=0.5, trace_ratio=1)
            done = replace(run(plan), faults=FAULTS)
            server.stop()
        store = Store()
        store.save(done)
        with store.connect() as client:
            assert ingest(client, [otlp]).errors == 0
            day_before_ns = done.started_at_ns // 1000 * 1000 - _DAY_NS
            results = store_results(store, day_before_ns)
            start_ms = done.started_at_ns // 1_000_000
            when = TimeRange(start_ms - 60_000, start_ms + 120_000)
            chosen: dict[str, str | list[str]] = {
                "run": done.id,
                "trace": "",
                "name": [done.name],
                "service": ["benchlab-target"],
                **results.ids,
            }
            with reading(default_dsn()) as reader:
                yield Filled(reader, done, when, chosen, results)


@pytest.mark.parametrize("panel", list(panels()))
def test_a_panels_sql_gives_rows_it_can_draw(filled: Filled, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        frame = filled.ask(target["rawSql"])
        assert len(frame) > 0
        if panel["type"] in ("timeseries", "heatmap"):
            assert pd.api.types.is_datetime64_any_dtype(frame["time"])
            assert frame["time"].is_monotonic_increasing
            numbers = frame.select_dtypes("number")
            assert numbers.shape[1] > 0
            assert numbers.notna().any().all()
            # As a series of each label: times must not repeat within one.
            labels = [name for name in frame.columns if name not in numbers]
            assert not frame.duplicated(labels).any()
        if panel["type"] == "stat":
            assert frame.shape == (1, 1)
            assert frame.notna().all(axis=None)
        if panel["type"] == "barchart":
            assert panel["options"]["xField"] in frame
            assert not frame.select_dtypes("number").isna().any(axis=None)
        if panel["type"] == "trend":  # lines over a number
            over = frame[panel["options"]["xField"]]
            assert over.is_monotonic_increasing
            assert over.is_unique
            assert frame.notna().sum(axis=1).min() > 1
        if panel["type"] == "traces":
            assert set(frame) == TRACE_COLUMNS
            assert frame["traceID"].nunique() == 1
            assert frame["traceID"][0].startswith(filled.run.id)
            assert frame["operationName"][0] == f"POST {ADD}"


@pytest.mark.parametrize("variable", list(variables()))
def test_a_variable_offers_what_is_stored(filled: Filled, variable: dict[str, Any]) -> None:
    offered = filled.ask(variable["query"])
    wanted = filled.variables[variable["name"]]
    # The first column is the value; a second would be the text that people choose by.
    assert list(offered.iloc[:, 0]) == (wanted if isinstance(wanted, list) else [wanted])
    assert variable["definition"] == variable["query"]


@pytest.mark.parametrize("dashboard", ["run", "service"])
def test_faults_are_marked_while_they_were_on(filled: Filled, dashboard: str) -> None:
    (annotation,) = DASHBOARDS[dashboard]["annotations"]["list"]
    assert annotation["enable"]
    frame = filled.ask(annotation["target"]["rawSql"])
    # The names by which Grafana finds the parts of an annotation, of a region here.
    assert list(frame.columns) == ["time", "timeEnd", "text", "tags"]
    started = pd.Timestamp(filled.run.started_at_ns, tz="UTC")
    assert list(frame["time"] - started) == [pd.Timedelta("0.6s"), pd.Timedelta("2.5s")]
    assert list(frame["timeEnd"] - started) == [pd.Timedelta("1.6s"), pd.Timedelta("2.5s")]
    assert frame["text"][0] == "latency 20ms for 1s"
    assert frame["text"][1] == "freeze pid=7 at 2s: cannot be lifted: it's"


def panel_of(dashboard: str, title: str) -> str:
    (found,) = [p for p in DASHBOARDS[dashboard]["panels"] if p["title"] == title]
    return str(found["targets"][0]["rawSql"])


def test_the_heatmap_holds_every_request_once(filled: Filled) -> None:
    frame = filled.ask(panel_of("run", "Latency heatmap")).set_index("time")
    assert frame.to_numpy().sum() == len(filled.run.samples)
    assert [float(name) for name in frame.columns] == sorted(float(name) for name in frame.columns)
    latency_ms = filled.run.samples.latency_ns / 1e6
    assert frame["1"].sum() == ((latency_ms >= 0.63) & (latency_ms < 1)).sum()
    assert frame["0.1"].sum() == (latency_ms < 0.1).sum()


def test_panels_of_client_and_server_count_every_request(filled: Filled) -> None:
    rates = filled.ask(panel_of("run", "Requests per second"))
    assert dict(rates.groupby("kind")["requests"].sum()) == dict.fromkeys(
        ("intended", "sent", "answered"), len(filled.run.samples)
    )
    failed = filled.ask(panel_of("run", "Failed requests per second"))
    assert failed.groupby("kind")["requests"].sum()["status"] == filled.run.samples.error_count
    counted = filled.ask(panel_of("service", "Durations the service counted"))
    assert counted["requests"].sum() == len(filled.run.samples)
    sides = filled.ask(panel_of("service", "Requests per second: client and service"))
    by_side = sides.groupby("side")["requests"].sum()
    assert by_side["client sent"] == by_side["server spans"] == len(filled.run.samples)


def test_panels_name_every_kind_of_error() -> None:
    labels = ", ".join(f"'{kind.label}'" for kind in ErrorKind if kind)
    names = f"transform(error, range(1, {len(ErrorKind)}), [{labels}], "
    for title in ("Failed requests per second", "Slowest requests"):
        assert names in panel_of("run", title)


def test_a_slow_request_links_to_its_trace(filled: Filled) -> None:
    slowest = filled.run.measured.latency_ns.max()
    for dashboard, title in (
        ("run", "Slowest requests"),
        ("service", "Slowest traced requests of the run"),
    ):
        rows = filled.ask(panel_of(dashboard, title))
        assert rows["latency_ns"][0] == slowest
        trace = filled.ask(panel_of("service", "One trace"), trace=rows["trace_id"][0])
        assert set(trace["traceID"]) == {rows["trace_id"][0]}


def test_a_comparison_has_every_metric_with_its_interval(filled: Filled) -> None:
    wanted = filled.results.comparison
    assert wanted.verdict == "slower"
    table = filled.ask(panel_of("comparisons", "Metrics")).set_index("metric")
    assert set(table.index) == {*wanted.metrics, "error_ratio"}
    bars = filled.ask(
        panel_of("comparisons", "Change of each metric, with its 95 % interval")
    ).set_index("metric")
    for name, metric in wanted.metrics.items():
        assert table["verdict"][name] == metric.verdict
        if metric.ratio is not None and metric.ratio_low is not None:
            assert table["change"][name] == pytest.approx(metric.ratio - 1)
            assert bars["low"][name] == pytest.approx(metric.ratio_low - 1)
    base_ns = wanted.metrics["p50"].base
    assert base_ns is not None
    assert table["base"]["p50"] == f"{base_ns / 1e6:.3f}".rstrip("0") + " ms"
    assert table["verdict"]["error_ratio"] == wanted.errors.verdict
    arms = filled.ask(panel_of("comparisons", "Latency of each run"))["arm"]
    assert dict(arms.value_counts()) == {"a": 12, "b": 12}


def test_a_search_has_its_answer_and_every_probe(filled: Filled) -> None:
    wanted = filled.results.capacity
    for title, value in (
        ("Capacity", wanted.rate_rps),
        ("At least", wanted.rate_low),
        ("At most", wanted.rate_high),
        ("Limited by", wanted.limited_by),
    ):
        (sql,) = [
            panel["targets"][0]["rawSql"]
            for panel in DASHBOARDS["capacity"]["panels"]
            if (panel["type"], panel["title"]) == ("stat", title)
        ]
        assert filled.ask(sql).iloc[0, 0] == value
    table = filled.ask(panel_of("capacity", "Probes of the search"))
    assert list(table["run_id"]) == [probe.run_id for probe in wanted.probes]
    assert list(table["decision"]) == [probe.decision for probe in wanted.probes]
    assert len(filled.ask(panel_of("capacity", "Rate of each probe"))) == len(wanted.probes)
    shares = filled.ask(panel_of("capacity", "Share of requests within the objective, by rate"))
    curve = shares.dropna(subset=["fitted"])
    assert list(curve["fitted"]) == [point.attained_ratio for point in wanted.curve]
    assert list(curve["high"]) == [point.attained_high for point in wanted.curve]
    rates = {round(probe.rate_rps, 6) for probe in wanted.probes if probe.decision == "good"}
    assert set(shares["rate_rps"][shares["good"].notna()]) == rates


def test_a_trend_has_its_levels_and_marks(filled: Filled) -> None:
    wanted = filled.results.trend
    (change,), (moved,) = wanted.changes, wanted.breaks
    runs = filled.ask(panel_of("trend", "Each run, and the level it belongs to"))
    frame = wanted.to_pandas()
    assert list(runs["value"]) == pytest.approx(list(frame["value"] / 1e6))
    assert list(runs["level"]) == pytest.approx(list(frame["level"] / 1e6))
    assert set(runs["series"]) == {"p99, ms"}
    (row,) = filled.ask(panel_of("trend", "Changes of level")).to_dict("records")
    assert (row["direction"], row["first_with"]) == ("worse", change.first_bad.run_id)
    assert row["first_started_at"] == change.first_bad.started_at
    marks = {
        annotation["name"]: filled.ask(annotation["target"]["rawSql"])
        for annotation in DASHBOARDS["trend"]["annotations"]["list"]
    }
    assert list(marks["Changes"]["time"]) == [change.first_bad.started_at]
    assert marks["Changes"]["text"][0].startswith("worse by ")
    assert list(marks["Breaks"]["time"]) == [wanted.points[moved.index].started_at]
    assert "cpu_model" in marks["Breaks"]["text"][0]


def test_grafana_is_read_only(filled: Filled) -> None:
    for sql in ("TRUNCATE TABLE runs", "SET readonly = 0", "SET max_execution_time = 99"):
        with pytest.raises(DatabaseError, match="readonly"):
            filled.client.command(sql)


def test_links_refer_to_existing_dashboards_and_variables() -> None:
    by_uid = {dashboard["uid"]: dashboard for dashboard in DASHBOARDS.values()}
    assert len(by_uid) == len(DASHBOARDS)
    links = re.findall(r'"url": "(/d/[^"]+)"', json.dumps(list(DASHBOARDS.values())))
    assert links
    for link in links:
        path, _, query = link.partition("?")
        there = by_uid[path.removeprefix("/d/")]
        names = {variable["name"] for variable in there["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", query)) <= names


@pytest.mark.parametrize("panel", list(panels()))
def test_a_link_uses_columns_that_its_panel_has(filled: Filled, panel: dict[str, Any]) -> None:
    used = set(re.findall(r"\$\{__data\.fields\.(\w+)\}", json.dumps(panel)))
    matched = {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byName"
    }
    if used | matched:
        assert used | matched <= set(filled.ask(panel["targets"][0]["rawSql"]))


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_complete(name: str) -> None:
    dashboard = DASHBOARDS[name]
    assert dashboard["id"] is None, "an id would collide with another installation's"
    assert dashboard["uid"] == f"benchlab-{name}"
    assert dashboard["schemaVersion"] == 39

    shown = dashboard["panels"]
    assert len({panel["id"] for panel in shown}) == len(shown)
    taken: set[tuple[int, int]] = set()
    for panel in shown:
        place = panel["gridPos"]
        assert 0 <= place["x"] <= place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, f"{panel['title']} covers another panel"
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["description"]
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            assert target["editorType"] == "sql"
            assert target["format"] == FORMATS.get(panel["type"], 1)
            # Never more than the chosen time or run holds.
            one = r"id = \$\{(run|comparison|search|trend):singlequote\}"
            assert re.search(rf"\$__timeFilter\(|{one}", target["rawSql"])
    first = dashboard["templating"]["list"][0]
    assert (first["type"], first["query"]) == ("datasource", "grafana-clickhouse-datasource")
    names = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = {used for used in re.findall(r"\$\{(\w+)", json.dumps(dashboard)) if used[:2] != "__"}
    assert used == names


def provisioned(kind: str) -> dict[str, Any]:
    """The only provisioning file of a kind, parsed."""
    (path,) = (GRAFANA / "provisioning" / kind).iterdir()
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


def test_the_data_source_is_the_dashboards_default() -> None:
    content = provisioned("datasources")
    assert set(content) == {"apiVersion", "datasources"}
    assert content["apiVersion"] == 1
    (source,) = content["datasources"]
    assert set(source) == {
        "name", "uid", "type", "access", "isDefault", "editable", "jsonData", "secureJsonData",
    }  # fmt: skip
    assert source["type"] == "grafana-clickhouse-datasource"
    assert source["access"] == "proxy"
    settings = source["jsonData"]
    assert settings["protocol"] in ("native", "http")
    assert isinstance(settings["port"], int)
    assert settings["traces"]["otelEnabled"] is True
    assert settings["traces"]["defaultTable"] == "otel_traces"
    for dashboard in DASHBOARDS.values():
        current = dashboard["templating"]["list"][0]["current"]
        assert current == {"text": source["name"], "value": source["uid"]}


def test_dashboards_are_provisioned_from_files_only() -> None:
    content = provisioned("dashboards")
    assert set(content) == {"apiVersion", "providers"}
    (provider,) = content["providers"]
    assert set(provider) == {
        "name", "folder", "type", "allowUiUpdates", "disableDeletion", "options",
    }  # fmt: skip
    assert provider["type"] == "file"
    assert not provider["allowUiUpdates"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("$__timeFilter(t)", "t >= toDateTime(100) AND t <= toDateTime(200)"),
        ("$__timeInterval(a.t)", "toStartOfInterval(toDateTime(a.t), INTERVAL 5 second)"),
        ("1 / $__interval_s", "1 / 5"),
        ("x IN (${many:singlequote})", "x IN ('a','b\\'c')"),
        ("x = ${one:singlequote}", "x = ''"),
    ],
)
def test_macros_and_variables_are_replaced(raw: str, expected: str) -> None:
    when = TimeRange(100_999, 200_001, 5)
    assert sql_of(raw, when, {"many": ["a", "b'c"], "one": ""}) == expected


@pytest.mark.parametrize("raw", ["$__timeFilter", "$__tiemFilter(t)", "${x}", "$one", "${one}"])
def test_unknown_macros_and_variables_are_errors(raw: str) -> None:
    with pytest.raises(ValueError, match=r"\$"):
        sql_of(raw, TimeRange(0, 1), {"one": "1"})
