# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a run says about its model."""

from __future__ import annotations

import pytest

from osteofield.kinetics import load_network
from osteofield.simulation.facts import model_facts


def test_record_holds_every_number_and_marks_what_the_case_changed() -> None:
    network = load_network(
        "osteoimmune", parameters={"turnover": "rodent"}, switches={"neutrophil_exhaustion": True}
    )
    facts = model_facts(network)
    parameters = {p["name"]: p for p in facts["parameters"]}
    assert list(parameters) == list(network.model.parameters)
    assert [n for n, p in parameters.items() if p["changed"]] == ["turnover"]
    rodent = network.model.parameters["turnover"].options["rodent"]
    value = parameters["turnover"]["value"]
    assert f"{value:g} {parameters['turnover']['unit']}" == rodent.text
    assert parameters["A_OBa"]["value"] == pytest.approx(0.189)
    switches = {s["name"]: s for s in facts["switches"]}
    assert switches["neutrophil_exhaustion"]["on"] and switches["neutrophil_exhaustion"]["changed"]
    assert set(facts["sources"]) == set(network.model.sources)
