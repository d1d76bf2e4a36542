"""The five sector studies, and the largest supply chains of all sectors."""

from __future__ import annotations

from functools import partial

from carbonflows_fast import figures
from carbonflows_fast.errors import LabelError
from carbonflows_fast.reporting._elements import (
    Column,
    Html,
    Section,
    amount,
    element,
    joined,
    paragraph,
    section,
    share,
    table,
)
from carbonflows_fast.reporting._pictures import picture
from carbonflows_fast.reporting._results import Results, Study
from carbonflows_fast.sectors import SectorStudy

__all__ = ["chains", "studies"]

STEPS = {"emitted": "Emitted in", "made": "Made in", "consumed": "Consumed in"}
REGIONS = 8  # in the tables of a study
PRODUCTS = 8


def studies(results: Results) -> Section:
    """Follow five sectors from where their chains emit to who buys what they went into."""
    lead = paragraph(
        "Each study counts every supply chain that passes through a sector once: what the sector "
        "emits itself (direct) and what its suppliers emit (upstream), where the product is made, "
        "and who finally buys what it went into. Chains may pass through several sectors, so the "
        "studies overlap and must not be added up."
    )
    made = [study for study in results.studies if study.result is not None]
    missing = [study for study in results.studies if study.result is None]
    parts = [lead]
    if made:
        parts.append(_compared(results, made))
    parts += [_study(results, study) for study in made]
    if missing:
        items = [
            element("li", element("strong", study.name.capitalize()), f": {study.why_not}",
                    data_study=study.name)
            for study in missing
        ]  # fmt: skip
        parts.append(element("h3", "Studies that cannot be made from this table"))
        parts.append(element("ul", *items, class_="note"))
    return section("studies", "Five sectors", *parts)


def _compared(results: Results, made: list[Study]) -> Html:
    total = results.flows.total
    found = [(study, study.result) for study in made if study.result is not None]
    shares = [result.border_shares for _, result in found]
    return table(
        "studies_compared",
        "The sector studies beside each other",
        [
            Column("study", "Study", [study.name for study, _ in found], "text",
                   [study.name.capitalize() for study, _ in found]),
            Column("total", "Emissions of its chains", [r.total for _, r in found]),
            Column("share", "Of industrial emissions",
                   [r.total / total if total else float("nan") for _, r in found], "share"),
            Column("direct", "Direct", [r.direct for _, r in found]),
            Column("upstream", "Upstream", [r.upstream for _, r in found]),
            Column("emitted_made", "Border between emitter and maker",
                   [s["emitted → made"] for s in shares], "share"),
            Column("made_consumed", "Border between maker and buyer",
                   [s["made → consumed"] for s in shares], "share"),
            Column("emitted_consumed", "Emitted and consumed in different regions",
                   [s["emitted → consumed"] for s in shares], "share"),
        ],
        results.unit,
    )  # fmt: skip


def _study(results: Results, study: Study) -> Html:
    result = study.result
    assert result is not None
    name = study.name
    head = element("h3", name.capitalize(), id=f"study-{name}")
    notes = element("div", *(paragraph(_note(note)) for note in study.notes), class_="note")
    if study.same_as:
        text = (
            f"In this table the rows of {name} are those of {study.same_as}, and so are all "
            f"numbers: see {study.same_as}."
        )
        return joined([head, notes, paragraph(text)])
    total = result.total or float("nan")
    text = paragraph(
        f"Supply chains through {name} emit ",
        amount(f"{name}_total", result.total, result.unit),
        ". The sector itself emits ",
        share(f"{name}_direct_share", result.direct / total),
        " of that; ",
        share(f"{name}_traded_share", float(result.border_shares["emitted → consumed"])),
        " is emitted in another region than the one that consumes the final product.",
        *_priced(results, name, result),
    )
    drawing = picture(
        f"{name}-bands",
        f"{name.capitalize()}: emitted, made, consumed",
        f"Bands lead from where emissions happen to where {name} is made, and on to where the "
        "final product is bought. The table below has the largest regions.",
        partial(figures.sector_flow, result, top=7),
    )
    return joined([head, text, notes, drawing, _steps(results, study, result),
                   _products(study, result), _chains(results, study)])  # fmt: skip


def _priced(results: Results, name: str, result: SectorStudy) -> list[str]:
    """Say how much of what Europe consumes is emitted where Europe has a carbon price."""
    if not results.is_carbon:
        return []
    system = f"EU ETS {results.table.year}"
    try:
        covered = result.price_coverage(system, consumers=system)
    except LabelError:  # no such year, or no such country in the table
        return []
    return [
        " Of what consumers in the countries of the European emissions trading system cause, ",
        share(f"{name}_priced_share", covered),
        " is emitted in these countries, where a price on carbon can reach it.",
    ]


def _note(note: str) -> str:
    """Say how well the table's rows stand for the subject of a study."""
    match, _, about = note.partition(": ")
    said = {
        "exact": "The table's rows are the subject of the study and nothing else",
        "part": "The table's rows are a part of the subject of the study",
        "wider": "The table's rows are wider than the subject of the study",
    }
    return f"{said.get(match, match)}. {about}"


def _steps(results: Results, study: Study, result: SectorStudy) -> Html:
    """Return the largest regions at each step, each step in the order of its sizes."""
    by = {step: result.by(step) for step in STEPS}
    sizes = sum(series.reindex(by["emitted"].index, fill_value=0.0) for series in by.values())
    kept = sizes.sort_values(ascending=False, kind="stable").index[:REGIONS]
    columns = [results.places.column("region", "Region", kept)]
    for step, head in STEPS.items():
        values = by[step].reindex(kept, fill_value=0.0)
        columns.append(Column(step, head, values.tolist(), total=float(by[step].sum())))
    return table(
        f"{study.name}_regions", f"{study.name.capitalize()}: the largest regions at each step",
        columns, result.unit, total="World",
    )  # fmt: skip


def _products(study: Study, result: SectorStudy) -> Html:
    carried = result.products.sum(axis=1).groupby(level="sector", sort=False).sum()
    kept = carried.sort_values(ascending=False, kind="stable").head(PRODUCTS)
    total = result.total or float("nan")
    return table(
        f"{study.name}_products",
        f"{study.name.capitalize()}: final products that carry it to their buyers",
        [
            Column("product", "Final product", [str(name) for name in kept.index], "text"),
            Column("value", "Emissions", kept.tolist()),
            Column("share", "Share of the study", [v / total for v in kept], "share"),
        ],
        result.unit,
    )


def _chains(results: Results, study: Study) -> Html:
    found = study.chains
    assert found is not None
    return table(
        f"{study.name}_chains",
        f"{study.name.capitalize()}: the largest supply chains, final product first",
        [
            results.places.chains("Supply chain", found, results.table.rows),
            Column("value", "Emissions", found.value.tolist()),
            Column("share", "Share of the study", found.share.tolist(), "share"),
        ],
        found.unit,
    )


# ---- all chains ----------------------------------------------------------------------------------


def chains(results: Results) -> Section:
    """List the largest supply chains of the world, and say how long chains are."""
    found, layers = results.chains, results.layers
    text = paragraph(
        "A supply chain leads from a product that is finally bought, through what its maker buys, "
        "to the industry that emits. It reads from left to right: each arrow is a purchase. The ",
        f"{len(found)} largest of all chains carry ",
        share("chains_coverage", found.coverage),
        " of industrial emissions; the other ",
        amount("chains_remainder", found.remainder, found.unit),
        " is spread over very many smaller ones, and is summed from them, not taken as the "
        "difference.",
    )
    listed = table(
        "chains",
        "The largest supply chains, final product first",
        [
            results.places.chains("Supply chain", found, results.table.rows),
            Column("stage", "Purchases", found.stage.tolist(), "count"),
            Column("value", "Emissions", found.value.tolist()),
            Column("share", "Share of industrial emissions", found.share.tolist(), "share"),
        ],
        found.unit,
    )
    last = layers.index[-1]
    stages = table(
        "layers",
        "Emissions by the number of purchases between the emitter and the final buyer",
        [
            Column("layer", "Purchases", [str(layer) for layer in layers.index], "text"),
            Column("emissions", "Emissions", layers["emissions"].tolist()),
            Column("share", "Share", layers["share"].tolist(), "share"),
            Column("cumulative_share", "Share up to here", layers["cumulative_share"].tolist(),
                   "share"),
            Column("remainder", "Still beyond", layers["remainder"].tolist()),
        ],
        results.unit,
    )  # fmt: skip
    drawing = picture(
        "stages",
        "How far upstream emissions happen",
        "At 0 the maker of the final product emits, at 1 its suppliers, at 2 their suppliers. "
        f"The last bar is all that lies beyond {last}.",
        lambda: figures.stage_profile(layers),
    )
    tree = picture(
        "tree",
        "The largest supply chains as a tree",
        "A line is a step of a chain, set in under the one that buys from it; the bar is what the "
        "chain carries. The table above has the same chains.",
        lambda: figures.path_tree(found, top=min(15, max(len(found), 1))),
    )
    return section("chains", "Supply chains", text, listed, tree, drawing, stages)
