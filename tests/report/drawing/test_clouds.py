"""The figure of two clouds says how near translations are, and draws every concept once in each panel."""

from jaxalign.report.drawing.clouds import clouds
from jaxalign.report.drawing.svg import About


def test_two_panels_with_every_concept_and_the_distances_in_words():
    hub = [[0, 0], [100, 0], [0, 100]]
    points = {"hub": hub, "before": [[300, 400], [400, 400], [300, 500]], "after": [[30, 40], [130, 40], [30, 140]]}
    picture = clouds(points, "fr", "en", About("map-0", "caption", "concepts of French and English"))
    assert "500 without a map, 50 with the fitted map" in picture.alt  # 3-4-5 triangles
    drawn = picture.svg.count("<use")
    one_less = clouds({name: spots[:2] for name, spots in points.items()}, "fr", "en", About("map-0", "caption", "x"))
    assert drawn - one_less.svg.count("<use") == 4  # two languages in two panels
