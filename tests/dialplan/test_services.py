import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_router.dialplan.services import (
    MOST_COLUMNS,
    MOST_ROWS,
    BadServices,
    ServiceFault,
    ServiceTable,
    read_services,
)
from edge_router.dialplan.text_lines import LONGEST_LINE, MOST_FAULTS

TABLE = """\
called,service,policy,queue,cloud_number,premise_number,hours,site
+18005550100,Sales,front-door,Sales,+19005550100,80100,office,Austin
+1800555....,Everything else,front-door,Support,,,,
"""


def faults_of(text: str) -> list[ServiceFault]:
    with pytest.raises(BadServices) as caught:
        read_services(text)
    return list(caught.value.faults)


def only_fault(text: str) -> ServiceFault:
    (fault,) = faults_of(text)
    return fault


def name_of(table: ServiceTable, called: str) -> str | None:
    service = table.find(called)
    return None if service is None else service.name


def test_a_row_is_found_by_its_number() -> None:
    table = read_services(TABLE)
    service = table.find("+18005550100")
    assert service is not None
    assert (service.name, service.policy, service.queue, service.hours) == ("Sales", "front-door", "Sales", "office")
    assert (service.cloud_number, service.premise_number) == ("+19005550100", "80100")
    assert service.columns["site"] == "Austin"
    assert service.columns["called"] == service.pattern.text == "+18005550100"
    assert service.line == 2
    assert table.columns == ("called", "service", "policy", "queue", "cloud_number", "premise_number", "hours", "site")
    assert [row.line for row in table.services] == [2, 3]
    assert len(table) == 2


def test_an_empty_cell_and_a_missing_column_are_empty_texts() -> None:
    service = read_services("service,called\n,1").find("1")
    assert service is not None
    assert service.columns == {"service": "", "called": "1"}
    assert service.name == service.policy == service.queue == service.hours == ""
    assert service.cloud_number == service.premise_number == ""


@pytest.mark.parametrize(
    ("rows", "called", "found"),
    [
        ("+1800555....,pattern\n+18005550100,number", "+18005550100", "number"),
        ("+1800555....,pattern\n+18005550100,number", "+18005550101", "pattern"),
        ("+1800555....,pattern\n+18005550100,number", "+442071234567", None),
        ("2001,first\n2001$,second", "2001", "first"),
        ("2001$,first\n2001,second", "2001", "first"),
        ("200.,dot\n200[1-3],set", "2001", "set"),
        ("20T,tail\n.T,any", "2099", "tail"),
        ("20T,tail\n.T,any", "anonymous", None),
        ("3,other\n20T,tail\n.T,any", "", None),
    ],
)
def test_the_closest_row_wins_and_then_the_first(rows: str, called: str, found: str | None) -> None:
    assert name_of(read_services(f"called,service\n{rows}\n"), called) == found


@settings(max_examples=200)
@given(
    st.lists(st.from_regex(r"[12.]{1,4}\$?", fullmatch=True), unique=True, max_size=12),
    st.from_regex("[123]{0,5}", fullmatch=True),
)
def test_finds_what_looking_at_each_row_would(patterns: list[str], called: str) -> None:
    table = read_services("called\n" + "\n".join(patterns))
    best: tuple[int, str] | None = None
    for row in table.services:
        length = row.pattern.matches(called)
        if length is not None and (best is None or length > best[0]):
            best = length, row.pattern.text
    service = table.find(called)
    assert (None if service is None else service.pattern.text) == (None if best is None else best[1])


def test_a_table_without_rows_finds_nothing() -> None:
    assert ServiceTable().find("1") is None
    assert read_services("called\n").find("1") is None


def test_as_spreadsheets_write_it() -> None:
    table = read_services('\ufeffcalled, service ,note\r\n\r\n"1", "A ""B"", C", x \r\n,,\r\n2,b,\r\n')
    assert [(row.line, row.columns) for row in table.services] == [
        (3, {"called": "1", "service": 'A "B", C', "note": "x"}),
        (5, {"called": "2", "service": "b", "note": ""}),
    ]


def test_numbers_to_dial_lose_their_separators() -> None:
    service = read_services("called,cloud_number,premise_number,note\n1,+1 (800) 555-0100,ep.support,1-2").find("1")
    assert service is not None
    assert (service.cloud_number, service.premise_number) == ("+18005550100", "ep.support")
    assert service.columns["cloud_number"] == "+18005550100"
    assert service.columns["note"] == "1-2"


def test_all_faults_are_told_at_once() -> None:
    faults = faults_of('called,service,cloud_number\n1x,a,\n2,b\n3,"c,\n4,d,a b\n,e,\n5,f,5\n1,g,\n"5",h,\n^5,i,')
    assert [(fault.line, fault.column) for fault in faults] == [
        (2, "called"),
        (3, ""),
        (4, ""),
        (5, "cloud_number"),
        (6, "called"),
        (9, "called"),
        (10, "called"),
    ]


def test_a_row_may_have_several_faults() -> None:
    assert [fault.column for fault in faults_of("called,cloud_number\nx,a b")] == ["cloud_number", "called"]


def test_a_fault_says_where_it_is() -> None:
    assert str(ServiceFault(7, "policy", "is wrong")) == "line 7, policy: is wrong"
    assert str(ServiceFault(7, "", "is wrong")) == "line 7: is wrong"
    with pytest.raises(BadServices, match=r'^line 2, called: "x", character 1: .*; line 3: 2 cells for 1 columns'):
        read_services("called\nx\n1,2")


@pytest.mark.parametrize(
    ("header", "line", "column", "message"),
    [
        ("", 1, "", "the table is empty; write called,service,"),
        ("\n \n", 1, "", "the table is empty"),
        (
            "\nservice,queue",
            2,
            "",
            'no column "called"; write the columns\' names there, separated by commas: called,service',
        ),
        ("called;service", 1, "", "separated by commas"),
        ("called,", 1, "", "column 2 has no name"),
        ("called,queue,called", 1, "called", "columns 1 and 3 have the same name"),
        ("called,Cloud Number", 1, "Cloud Number", "such as cloud_number"),
        ("called,2nd", 1, "2nd", "such as cost_centre"),
        ('called,"a', 1, "", "a quote is not closed"),
        ("called,a\x07", 1, "", "invisible character U+0007"),
        (f"called{',a' * MOST_COLUMNS}", 1, "", f"{MOST_COLUMNS + 1} columns; {MOST_COLUMNS} are allowed"),
    ],
)
def test_faults_of_the_first_line(header: str, line: int, column: str, message: str) -> None:
    fault = faults_of(header)[-1]
    assert (fault.line, fault.column) == (line, column)
    assert message in fault.message


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ("1", "", "1 cells for 3 columns; put a cell with a comma in it into quotes"),
        ("1;2;3", "", "separate them by commas"),
        ("1,2,3,4", "", "4 cells for 3 columns"),
        ('1,"2,3', "", "a quote is not closed"),
        ('1,"2"x,3', "", "something follows it"),
        (",2,3", "called", "is empty; write the number that is called"),
        ("1800x,2,3", "called", '"1800x", character 5: "x": write . for any one digit'),
        ("1.80056E+11,2,3", "called", "a spreadsheet rounded; format the column as text"),
        ('"1,80056E+11",2,3', "called", "a spreadsheet rounded"),
        ("1,1.80056E+11,3", "cloud_number", "a spreadsheet rounded"),
        ("1,1;npdi,3", "cloud_number", '"1;npdi" is no number that can be dialled'),
        ("1,<sip:2>,3", "cloud_number", "is no number that can be dialled"),
        ("1,2@host,3", "cloud_number", "is no number that can be dialled"),
        ("1,2,\u202a3", "", "invisible character U+202A"),
        (f"1,2,{'3' * LONGEST_LINE}", "", f"{LONGEST_LINE} are allowed"),
    ],
)
def test_faults_of_a_row(row: str, column: str, message: str) -> None:
    fault = only_fault(f"called,cloud_number,note\n\n{row}\n9,9,9")
    assert (fault.line, fault.column) == (3, column)
    assert message in fault.message


def test_a_row_that_would_never_be_found_is_a_fault() -> None:
    fault = only_fault("called\n1\n2\n^1")
    assert fault == (4, "called", '"^1" stands in line 2 too, and only that row would be found')
    assert len(read_services("called\n1\n1$\n1T$")) == 3


def test_names_are_checked_by_who_knows_them() -> None:
    asked: list[str] = []

    def check(name: str) -> str | None:
        asked.append(name)
        return None if name == "front-door" else f"there is no policy {name}"

    text = "called,policy,note\n1,front-door,x\n2,back-door,x\n3,,x\n4,back-door,x"
    with pytest.raises(BadServices) as caught:
        read_services(text, {"policy": check, "hours": check})
    assert caught.value.faults == (
        (3, "policy", "there is no policy back-door"),
        (5, "policy", "there is no policy back-door"),
    )
    assert asked == ["front-door", "back-door"]
    assert len(read_services("called,policy\n1,front-door", {"policy": check})) == 1


def test_faults_end_somewhere() -> None:
    faults = faults_of("called\n" + "x\n" * 500)
    assert len(faults) == MOST_FAULTS + 1
    assert "put these right" in faults[-1].message


def test_rows_end_somewhere() -> None:
    blank = "\n" * (MOST_ROWS - 1)
    assert len(read_services(f"called\n1{blank}2\n")) == 2
    fault = only_fault(f"called\n1{blank}2\n3\n")
    assert fault == (MOST_ROWS + 2, "", "more than 100,000 rows; write one pattern for rows that are alike")
