"""The page about reliability has exactly the cells of the matrix, and the spanning ones span it."""

from tests.system.matrix.cells import (
    RULES,
    Fault,
    Part,
    Stage,
    cells,
    every_combination,
    excluded_by,
    spanning,
)
from tests.system.matrix.table import FAILS, HOLDS, NOT_RUN, PAGE, generated, marks_in


def test_the_page_has_exactly_the_generated_cells() -> None:
    page = PAGE.read_text("utf-8")
    marks = marks_in(page)
    assert list(marks) == [cell.id for cell in every_combination()]
    for cell in every_combination():
        allowed = {excluded_by(cell)} if excluded_by(cell) else {HOLDS, FAILS, NOT_RUN}
        assert marks[cell.id] in allowed, cell.id
    assert generated(marks) in page


def test_every_rule_excludes_something() -> None:
    assert {excluded_by(cell) for cell in every_combination()} == {*RULES, None}


def test_the_spanning_cells_have_every_fault_every_part_and_every_stage() -> None:
    chosen = spanning()
    assert set(chosen) <= set(cells())
    assert {cell.fault for cell in chosen} == set(Fault)
    assert {cell.part for cell in chosen} == set(Part)
    assert {cell.stage for cell in chosen} == set(Stage)
