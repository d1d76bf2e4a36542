"""`Errors` and `SharedError`: immutable, printed, compared, pickled, refused in one sentence."""

from __future__ import annotations

import pickle
import re
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.uncertainties._error_model import _cells
from carbonflows_fast.uncertainties._error_model._fit import require_fit

Z = np.full((4, 4), 0.1)
FORMS: list[Any] = [
    0.1, 1, np.float32(0.5), {"domestic": 0.1, "trade": 0.2}, Z, Z.astype(np.float32),
    np.ones((4, 4), dtype=int), sp.csr_array(Z), sp.coo_matrix(np.eye(4)), pd.DataFrame(Z),
    pd.Series(np.ones(4)), cf.BySize(0.4, -0.2), cf.BySize(0.4, 0.1, at_most=1.0),
    {"domestic": cf.BySize(0.4, -0.2)}, {("DE", None): 0.1, (None, "FR"): 0.2},
    pd.Series({"domestic": 0.1}), pd.Series({("DE", "FR"): 0.1}),
]  # fmt: skip


def world(**changes: Any) -> cf.Table:
    made = cf.synthetic.world(2, 2)
    return made.with_changes(**changes) if changes else made


@pytest.mark.parametrize("form", FORMS, ids=lambda form: type(form).__name__)
def test_errors_are_values(form: Any) -> None:
    one, same = (cf.Errors(Z=form, shared=cf.SharedError("a", 0.1, F=form)) for _ in range(2))
    for other in (same, pickle.loads(pickle.dumps(one))):
        assert one == other
        assert repr(one) == repr(other)
        if isinstance(form, np.ndarray):
            assert not other.Z.flags.writeable
    assert one != cf.Errors(Z=form)
    assert one != cf.Errors(Z=0.25, shared=one.shared)
    assert one != "errors"
    with pytest.raises(AttributeError):
        one.Z = 0.2
    with pytest.raises(TypeError):
        hash(one)


def test_what_was_given_may_change_afterwards() -> None:
    array, labels = Z.copy(), {"DE": 0.1}
    sparse, frame = sp.csr_array(Z), pd.DataFrame(Z.copy())
    made = [cf.Errors(Z=given) for given in (array, sparse, frame)] + [cf.Errors(F=labels)]
    array[0, 0], sparse.data[0], labels["DE"] = 9.0, 9.0, 9.0
    frame.iloc[0, 0] = 9.0
    assert [one.Z[0, 0] for one in made[:2]] == [0.1, 0.1]
    assert made[2].Z.iloc[0, 0] == made[3].F["DE"] == 0.1
    with pytest.raises(TypeError):
        made[3].F["DE"] = 9.0


def test_errors_print_what_they_are() -> None:
    assert repr(cf.Errors()) == "Errors()"
    shared = cf.SharedError("steel", 0.15, F={"Steel": -1.0})
    said = (
        "Errors(Z=<ndarray 4 × 4>, F_Y=0.2, shared=[SharedError('steel', 0.15, F={'Steel': -1.0})])"
    )
    assert repr(cf.Errors(Z=Z, F_Y=0.2, shared=[shared])) == said
    assert repr(cf.Errors(Z=sp.csc_array(Z))) == "Errors(Z=<sparse array 4 × 4>)"
    assert repr(cf.Errors(Z=pd.DataFrame(Z))) == "Errors(Z=<DataFrame 4 × 4>)"
    many = cf.Errors(F={f"s{k}": 0.1 for k in range(9)})
    assert repr(many) == "Errors(F={'s0': 0.1, 's1': 0.1, 's2': 0.1, 's3': 0.1 and 5 more})"


def shared(**given: Any) -> cf.Errors:
    return cf.Errors(shared=cf.SharedError("a", 0.1, **given))


WRONG: list[tuple[Any, str]] = [
    (lambda: cf.Errors(Z=-0.1), "Z: expected relative numbers from 0 to 1e6, got -0.1"),
    (lambda: cf.Errors(Y=float("nan")), "Y: .*got nan"),
    (lambda: cf.Errors(F=1e7), "F: .*got 10000000.0"),
    (lambda: cf.Errors(F_Y="10 %"), "F_Y: .*got '10 %'"),
    (lambda: cf.Errors(F=True), "F: .*got True"),
    (lambda: cf.Errors(F=[[0.1], [0.1, 0.2]]), "F: .*got a list of 2"),
    (lambda: cf.Errors(F=[0.1, -0.2]), "F: .*got -0.2 among them"),
    (lambda: cf.Errors(F={"CO2": -0.1}), "F: .*got -0.1"),
    (lambda: cf.Errors(F={}), "F: expected numbers by label"),
    (lambda: cf.Errors(F={3: 0.1}), "F: expected numbers by label"),
    (lambda: cf.Errors(Z=-Z), "Z: .*got -0.1 among them"),
    (lambda: cf.Errors(Z=sp.csr_array(-Z)), "Z: .*got -0.1 among them"),
    (lambda: cf.Errors(Z=Z * np.nan), "Z: .*got nan among them"),
    (lambda: cf.Errors(Z=np.array(0.1)), r"Z: expected an array .*got shape \(\)"),
    (lambda: cf.Errors(Z=np.array([["a"]])), "Z: expected an array of numbers"),
    (lambda: cf.SharedError("a", -1.0, F=1.0), "sd: .*got -1.0"),
    (lambda: cf.SharedError("", 0.1, F=1.0), "name: expected text"),
    (lambda: cf.SharedError("Z", 0.1, F=1.0), "name: expected text other than Z"),
    (lambda: cf.SharedError("a", 0.1), "SharedError: expected loadings"),
    (lambda: shared(Z=float("inf")), "Z: expected relative numbers from −1e6 to 1e6, got inf"),
    (lambda: cf.Errors(shared=0.1), "shared: expected a list of SharedError, got 0.1"),
    (lambda: cf.Errors(shared=[*shared(F=1.0).shared] * 2), "shared: expected a name of its own"),
    (lambda: asked(None), "errors: expected how wrong the table may be"),
    (lambda: asked(0.1), "errors: .*got a float"),
    (lambda: asked(cf.Errors(Z={"imports": 0.1})),
     "Z: expected 'domestic' and 'trade', or pairs of seller and buyer, got 'imports'"),
    *((lambda source=source, label=label: asked(cf.Errors(**{source: {label: 0.1}})),
       f"{source}: expected pairs of seller and buyer, .* got the region '{label}' alone")
      for source, label in (("Z", "AT"), ("Y", "EU27"))),
    (lambda: asked(cf.Errors(Z={("AT", "XX"): 0.1})),
     "Z: expected a region of the table, got 'XX'"),
    (lambda: asked(cf.Errors(Z={("AT", None): 0.1, (None, "BE"): 0.1})),
     r"Z: expected every cell once, got \('AT', None\) and \(None, 'BE'\) for the same"),
    (lambda: asked(cf.Errors(Z={("AT", None): 0.1, "trade": 0.1})),
     r"Z: expected labels of one kind.*got seller × buyer \('AT', None\) and block 'trade'"),
    (lambda: asked(cf.Errors(Y={"consumption": 0.1})),
     "Y: expected a category of the table, got 'consumption'"),
    (lambda: asked(cf.Errors(F={("AT", "CO2"): 0.1})),
     r"F: expected a pair \(stressor, sector\), \(stressor, region\) or \(region, sector\), got"),
    (lambda: asked(cf.Errors(F={("CO2", None): 0.1})), "F: expected every region only in pairs of"),
    (lambda: asked(cf.Errors(F={("CO2", "Steeel"): 0.1})),
     "F: expected a sector or region of the table, got 'Steeel'"),
    (lambda: asked(cf.Errors(F={("CO2", "AT"): 0.1, ("CO2", "Austria"): 0.1})),
     "F: expected every cell once"),
    (lambda: asked(cf.Errors(F={"AT": 0.1, ("CO2", "AT"): 0.1})), "F: expected labels of one kind"),
    (lambda: asked(cf.Errors(Z=cf.BySize(10.0, 5.0))),
     "Z: expected relative deviations of at most 1e6 from BySize"),
    (lambda: asked(cf.Errors(F=cf.BySize(1.0, 9.0))),
     "F: expected relative deviations of at most 1e6 from BySize"),
    (lambda: cf.BySize(-0.1, -0.2), "a: .*got -0.1"),
    (lambda: cf.BySize(0.1, 11), "b: expected an exponent from −10 to 10, got 11"),
    (lambda: cf.BySize(0.1, "b"), "b: expected an exponent from −10 to 10, got 'b'"),
    (lambda: cf.BySize(0.1, -0.1, at_most=np.inf), "at_most: .*got inf"),
    (lambda: cf.Errors(F={("CO2", 3): 0.1}), "F: expected numbers by label"),
    (lambda: cf.Errors(F={("CO2", "AT", "a"): 0.1}), "F: expected numbers by label"),
    (lambda: cf.Errors(F={(None, None): 0.1}), "F: expected numbers by label"),
    (lambda: cf.Errors(F=pd.Series([0.1, 0.2], ["CO2", "CO2"])),
     "F: expected every label once, got 'CO2' twice"),
    (lambda: cf.Errors(F=pd.Series([0.1, np.nan], ["CO2", "CH4"])), "F: .*got nan"),
    (lambda: cf.uncertainty(world(), cf.Errors(F=0.1)),
     "stressor: expected a stressor before the errors, got the errors; give the stressor first"),
    (lambda: asked(cf.Errors(F={"CO3": 0.1})),
     r"F: expected a stressor, region or sector of the table, got 'CO3'; nearest are .*'CO2'"),
    (lambda: asked(cf.Errors(F_Y={"Wheat": 0.1})), "F_Y: expected a stressor, region or category"),
    (lambda: asked(cf.Errors(F={"CO2": 0.1, "AT": 0.1})),
     "F: expected labels of one kind.*got stressor 'CO2' and region 'AT'"),
    (lambda: asked(cf.Errors(F={"AT": 0.1, "Austria": 0.1})), "F: expected every cell once"),
    (lambda: asked(cf.Errors(Z=np.ones((3, 4)))),
     r"Z: expected shape \(4, 4\), got shape \(3, 4\)"),
    (lambda: asked(cf.Errors(Y=np.ones(4))), r"Y: expected shape \(4, \d+\), got shape \(4,\)"),
    (lambda: asked(cf.Errors(Z=pd.DataFrame(Z))), "Z: expected the labels of table.Z"),
    (lambda: asked(shared(F={"nothing": 1.0})),
     "shared 'a', F: expected a stressor, region or sector"),
    (lambda: cf.uncertainty(without_direct(), errors=cf.Errors(F_Y=0.1)),
     "F_Y: expected a table with emissions of final users, got one without"),
]  # fmt: skip


def asked(errors: Any) -> Any:
    return cf.uncertainty(world(), "CO2", errors)


def without_direct() -> cf.Table:
    return cf.Table(Z=[[1.0]], Y=[2.0], F=[1.0], regions="DE", sectors=["a"], stressors="CO2")


@pytest.mark.parametrize(("ask", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_is_wrong_is_said_in_one_sentence(ask: Any, said: str) -> None:
    with pytest.raises(cf.InputError, match=f"^{said}") as caught:
        ask()
    assert SENTENCE.match(str(caught.value))
    assert len(str(caught.value)) < 400


def test_sizes_are_in_the_units_of_the_table() -> None:
    law = cf.BySize(0.5, -0.5, at_most=2.0)
    np.testing.assert_allclose(law.deviations([0, 1, -4, 1e-9]), [0, 0.5, 0.25, 2.0])
    table = world()
    cells = table.F.to_numpy()
    each = np.zeros_like(cells)
    each[cells > 0] = np.minimum(0.5 * cells[cells > 0] ** -0.5, 2.0)
    by_law, by_cell = (cf.uncertainty(table, "CO2", cf.Errors(F=one)).sd for one in (law, each))
    np.testing.assert_allclose(by_law, by_cell, rtol=1e-12)
    assert by_law.to_numpy().max() > 0.0


def test_a_labelled_series_is_a_mapping() -> None:
    for given in ({"AT": 0.1, "BE": 0.2}, {("CO2", "AT"): 0.1}, {("AT", world().sectors[0]): 0.2}):
        series, plain = cf.Errors(F=pd.Series(given)), cf.Errors(F=given)
        assert series == plain
        sds = [cf.uncertainty(world(), "CO2", one).sd for one in (series, plain)]
        pd.testing.assert_frame_equal(*sds)
        assert sds[0].to_numpy().max() > 0.0
    assert cf.Errors(Z=pd.Series({("AT", None): 0.1})) == cf.Errors(Z={("AT", None): 0.1})


def test_some_rows_at_a_time_are_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    table, errors = cf.synthetic.world(3, 5), cf.Errors(Z=cf.BySize(0.4, -0.2))
    whole = cf.uncertainty(table, errors=errors, of="flows").sd
    monkeypatch.setattr(_cells, "AT_ONCE", 40)
    pd.testing.assert_frame_equal(cf.uncertainty(table, errors=errors, of="flows").sd, whole)
    sizes = np.abs(table.Z.toarray())
    each = np.zeros_like(sizes)
    each[sizes > 0] = 0.4 * sizes[sizes > 0] ** -0.2
    by_cell = cf.uncertainty(table, errors=cf.Errors(Z=each), of="flows").sd
    np.testing.assert_allclose(whole, by_cell, rtol=1e-9)


def test_a_short_label_does_not_hide_what_is_nearest_of_another_kind() -> None:
    codes = ["C3", "C30", "C13", "C23", "C03", "CO"]
    table = cf.Table(
        Z=np.eye(6), Y=np.ones((6, 1)) * 9, F=np.ones((2, 6)), regions="DE", sectors=codes,
        stressors=["CO2", "CH4"],
    )  # fmt: skip
    with pytest.raises(cf.LabelError, match=r"got 'CO3'; nearest are 'CO', .*'CO2'"):
        cf.uncertainty(table, "CO2", cf.Errors(F={"CO3": 0.1}))


@pytest.mark.parametrize("source", ["F", "F_Y", "Y"])
def test_a_pair_that_is_none_is_told_what_to_write(source: str) -> None:
    table = world()
    p = table.content
    labels = [p.stressors[0], *p.regions[:2], p.sectors[0], *p.categories[:2]]
    told = set()
    for pair in product(labels, labels):
        try:
            require_fit(table, "CO2", cf.Errors(**{source: {pair: 0.1}}))
        except cf.LabelError as error:
            better = re.fullmatch(r"write (.*?)( alone)?", str(error.remedy))
            if better is not None:  # the others are no label of this source
                told.add(better[2])
                require_fit(table, "CO2", cf.Errors(**{source: {eval(better[1]): 0.1}}))
    assert told == {None, " alone"}
