"""The five sector studies, and the largest supply chains of all sectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from carbonflows_fast import figures
from carbonflows_fast.figures._axes import one_sign
from carbonflows_fast.reporting._brief import priced
from carbonflows_fast.reporting._html import (
    Column,
    Html,
    Section,
    amount,
    element,
    joined,
    labels,
    paragraph,
    section,
    share,
    table,
)
from carbonflows_fast.reporting._results import NO_CHAINS, Results, Study
from carbonflows_fast.reporting._svg import picture
from carbonflows_fast.sectors import SectorStudy

__all__ = ["chains", "studies"]

STEPS = {"emitted": "Emitted in", "made": "Made in", "consumed": "Consumed in"}
REGIONS = 8  # in the tables of a study
PRODUCTS = 8
NUMBERS = ("No", "One", "Two", "Three", "Four", "Five")
FITS = {
    "exact": "is the subject of the study and nothing else",
    "part": "is a part of the subject of the study",
    "wider": "is wider than the subject of the study",
}


def studies(results: Results) -> Section:
    """Follow five sectors from where their chains emit to who buys what they went into."""
    found = [study for study in results.studies if study.result is not None]
    own = [study for study in found if not study.same_as]
    parts = [*_lead(own), *_left_out(results.studies)]
    if len(own) > 1:
        parts.append(_compared(results, own))
    parts += [_study(results, study) for study in found]
    title = f"{NUMBERS[len(own)]} sector {'study' if len(own) == 1 else 'studies'}"
    return section("studies", title, *parts)


def _lead(own: list[Study]) -> list[Html]:
    """Say what a study is."""
    if not own:
        return []
    several = len(own) > 1
    text = (
        f"{'Each' if several else 'The'} study follows every supply chain that passes through "
        f"{'a' if several else 'the'} sector, and counts it once: what the sector emits itself "
        "(direct) and what its suppliers and theirs emit (upstream), where the sector makes its "
        "products, and who finally buys what they went into."
    )
    if several:
        text += (
            " Chains may pass through several sectors, so the studies overlap and must not be "
            "added up."
        )
    return [paragraph(text)]


def _left_out(every: Sequence[Study]) -> list[Html]:
    """Say which of the studies have no numbers of their own, and why."""
    reasons: dict[str, list[str]] = {}
    for study in every:
        if study.same_as:
            why = (
                f"the table has the same sectors for it as for {study.same_as}, so its numbers are "
                "the same"
            )
            reasons.setdefault(why, []).append(study.name)
        elif study.result is None:
            reasons.setdefault(study.why_not, []).append(study.name)
    if not reasons:
        return []
    left = sum(map(len, reasons.values()))
    text = f"Of the {NUMBERS[len(every)].lower()} studies that the library knows, "
    if left == len(every):
        text += "none can be made from this table:"
    else:
        text += f"{NUMBERS[left].lower()} {'has' if left == 1 else 'have'} no numbers of "
        text += f"{'its' if left == 1 else 'their'} own from this table:"
    items = [
        element("li", element("strong", ", ".join(names).capitalize()), f": {why}.")
        for why, names in reasons.items()
    ]
    return [element("div", paragraph(text), element("ul", *items), class_="note")]


def _compared(results: Results, own: list[Study]) -> Html:
    found = [(study, study.result) for study in own if study.result is not None]
    crossings = [
        Column(
            "_".join(ends),
            "{} and {} in different regions".format(*ends).capitalize(),
            [study.shares[" → ".join(ends)] for study, _ in found],
            "share",
        )
        for ends in (("emitted", "made"), ("made", "consumed"), ("emitted", "consumed"))
    ]
    of_all = [results.part(result.total) for _, result in found]
    return table(
        "studies_compared",
        "The sector studies beside each other",
        [
            labels("study", "Study", [study.name for study, _ in found]),
            Column("total", "Emissions of its chains", [result.total for _, result in found]),
            Column("share", "Of industrial emissions", of_all, "share"),
            Column("direct", "Direct", [result.direct for _, result in found]),
            Column("upstream", "Upstream", [result.upstream for _, result in found]),
            *crossings,
        ],
        results.unit,
        stacked=True,
    )


def _study(results: Results, study: Study) -> Html:
    result = study.result
    assert result is not None
    name = study.name
    head = element("h3", name.capitalize(), id=f"study-{name}")
    notes = [paragraph(_note(*note)) for note in study.notes]
    about = element("div", *notes, class_="note")
    if study.same_as:
        return joined([head, paragraph(f"All numbers are those of {study.same_as}."), about])
    text = paragraph(
        f"Supply chains through the {name} sector emit ",
        amount(f"{name}_total", result.total, result.unit),
        ". The sector itself emits ",
        share(f"{name}_direct_share", study.part(result.direct)),
        " of that; ",
        share(f"{name}_traded_share", study.shares["emitted → consumed"]),
        " is emitted in another region than the one that consumes the final product.",
        *_priced(results, study),
    )
    drawing = picture(
        f"{name}-bands",
        f"{name.capitalize()}: emitted, made, consumed",
        f"Bands lead from where emissions happen to where the {name} sector makes its products, "
        "and on to where the final product is bought. The table below has "
        f"{'the largest' if len(results.table.regions) > REGIONS else 'all'} regions.",
        partial(figures.sector_flow, result, top=7, names=results.places.names),
    )
    return joined(
        [
            head,
            text,
            about,
            drawing,
            _steps(results, study, result),
            _products(study, result),
            _chains(results, study),
        ]
    )


def _priced(results: Results, study: Study) -> list[str]:
    """Say how much of what Europe consumes is emitted where Europe has a carbon price."""
    covered = priced(results, study)
    if covered is None:
        return []
    return [
        " Of what consumers in the countries of the European emissions trading system cause by "
        "these chains, ",
        share(f"{study.name}_priced_share", covered),
        " is emitted in these countries, where a price on carbon can reach it.",
    ]


def _note(fit: str, label: str, about: str) -> str:
    """Say how well a sector of the table fits the subject of a study."""
    return f"The table's sector “{label}” {FITS[fit]}. {about}"


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
        f"{study.name}_regions",
        f"{study.name.capitalize()}: the largest regions at each step",
        columns,
        result.unit,
        total=results.places.total,
    )


def _products(study: Study, result: SectorStudy) -> Html:
    carried = result.products.sum(axis=1).groupby(level="sector", sort=False).sum()
    kept = carried.sort_values(ascending=False, kind="stable").head(PRODUCTS)
    return table(
        f"{study.name}_products",
        f"{study.name.capitalize()}: final products that carry it to their buyers",
        [
            Column("product", "Final product", [str(name) for name in kept.index], "text"),
            Column("value", "Emissions", kept.tolist()),
            Column("share", "Share of the study", [study.part(v) for v in kept], "share"),
        ],
        result.unit,
    )


def _chains(results: Results, study: Study) -> Html:
    found = study.chains
    if found is None:
        return Html("")
    return table(
        f"{study.name}_chains",
        f"{study.name.capitalize()}: the largest supply chains, final product first",
        [
            results.places.chains("Supply chain", found, results.table.rows),
            Column("value", "Emissions", found.value.tolist()),
            Column("share", "Share of the study", [study.part(v) for v in found.value], "share"),
        ],
        found.unit,
        stacked=True,
    )


# ---- all chains ----------------------------------------------------------------------------------


def chains(results: Results) -> Section:
    """List the largest supply chains of the world, and say how long chains are."""
    found, layers = results.chains, results.layers
    text = paragraph(
        "A supply chain leads from a product that is finally bought, through what its maker buys, "
        "to the industry that emits. It reads from left to right: each arrow is a purchase. "
    )
    if found is None:
        return section("chains", "Supply chains", paragraph(NO_CHAINS))
    if not len(found):
        text = paragraph("No supply chain has any emissions.")
        return section("chains", "Supply chains", text)
    known = paragraph(
        f"The {len(found)} largest of all chains carry "
        if len(found) > 1
        else "The largest of all chains carries ",
        share("chains_coverage", results.known(found.coverage)),
        " of industrial emissions; the other ",
        amount("chains_remainder", found.remainder, found.unit),
        " is spread over smaller ones, and is summed from them, not taken as the difference.",
    )
    listed = table(
        "chains",
        "The largest supply chains, final product first",
        [
            results.places.chains("Supply chain", found, results.table.rows),
            Column("stage", "Purchases", found.stage.tolist(), "count"),
            Column("value", "Emissions", found.value.tolist()),
            Column(
                "share",
                "Share of industrial emissions",
                [results.known(v) for v in found.share],
                "share",
            ),
        ],
        found.unit,
        stacked=True,
    )
    last = layers.index[-1]
    ends = [*layers["emissions"], layers["remainder"].iloc[-1]]
    shares = layers if one_sign(ends) and not results.mixed else layers * float("nan")
    stages = table(
        "layers",
        "Emissions by the number of purchases between the emitter and the final buyer",
        [
            Column("layer", "Purchases", [str(layer) for layer in layers.index], "text"),
            Column("emissions", "Emissions", layers["emissions"].tolist()),
            Column("share", "Share", shares["share"].tolist(), "share"),
            Column(
                "cumulative_share", "Share up to here", shares["cumulative_share"].tolist(), "share"
            ),
            Column("remainder", "Still beyond", layers["remainder"].tolist()),
        ],
        results.unit,
    )
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
        "chain carries. The table above has these chains in full.",
        lambda: figures.path_tree(
            found, top=min(15, max(len(found), 1)), names=results.places.names
        ),
    )
    return section("chains", "Supply chains", text, known, listed, tree, drawing, stages)
