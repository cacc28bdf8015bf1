"""The whole configuration that is planned: what is built of it loads, and the rest is refused by name."""

from pathlib import Path

from edge_router.config.faults import Kind
from edge_router.config.loading import examine_bytes
from tests.end_to_end.authority import Authority

PLANNED = Path(__file__).with_name("planned.yaml").read_text()

NOT_BUILT = """
trunks.cloud.media trunks.cloud.sip_profile
media cdr trace reload sip_profiles
""".split()


def files_in(folder: Path) -> None:
    Authority(folder).signs("e", "edge.example.com")
    (folder / "tokens").write_text("0123456789abcdef wallboard read\n")
    (folder / "secrets").mkdir()
    for name in ("client", "refresh", "webhook", "cloud"):
        (folder / "secrets" / name).write_text("0123456789abcdef0123456789abcdef\n")
    (folder / "secrets/cloud").chmod(0o600)
    (folder / "services.csv").write_text(
        "called,service,policy,queue,cloud_number\n+1800555....,A,front-door,Support,1\n"
    )
    (folder / "vip.txt").write_text("+12125550100\n")
    (folder / "blocked.txt").write_text("# nobody yet\n")


def test_what_is_not_built_is_refused_key_by_key_and_nothing_else_is(tmp_path: Path) -> None:
    files_in(tmp_path)
    examined = examine_bytes(PLANNED.encode(), str(tmp_path / "planned.yaml"))
    assert [fault.key for fault in examined.faults] == NOT_BUILT
    assert {fault.kind for fault in examined.faults} == {Kind.NOT_BUILT}
    assert all("not built yet" in fault.message for fault in examined.faults)


def test_what_is_built_loads(tmp_path: Path) -> None:
    files_in(tmp_path)
    built = "\n".join(line for line in PLANNED.splitlines() if not line.endswith("# later"))
    examined = examine_bytes(built.encode(), str(tmp_path / "built.yaml"))
    assert [str(fault) for fault in (*examined.faults, *examined.warnings)] == []
    assert examined.config is not None
    assert set(examined.config.trunks) == {"carrier", "cloud", "premise"}
