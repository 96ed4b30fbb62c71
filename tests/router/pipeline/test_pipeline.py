"""Pipelines as values: what may be written, and what is said of mistakes."""

from __future__ import annotations

import pytest

from tierwise import Pipeline, Step
from tierwise.classifier.errors import InvalidPipeline
from tierwise.data import ARTICLE_PIPELINE

BRIEF = Step("brief", "Write a brief on {topic}")
DRAFT = Step("draft", "Draft the article:\n{steps.brief}")


def toml(tmp_path, text):
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_article_pipeline_that_ships_has_the_eight_stages():
    pipeline = Pipeline.load(ARTICLE_PIPELINE)
    assert pipeline.name == "article"
    assert [step.name for step in pipeline.order] == [
        *("brief", "taxonomy", "draft", "seo-meta", "geo-pass", "schema", "quality-gate", "publish-check")
    ]
    assert list(pipeline.fields) == ["topic", "audience", "taxonomy", "checklist"]
    assert pipeline.needs["taxonomy"] == ("brief",)
    assert pipeline.needs["schema"] == ("geo-pass",)
    assert [step.name for step in pipeline.steps if step.deterministic] == ["publish-check"]
    for step in pipeline.steps:
        assert step.deterministic or step.built_check is not None or step.name == "brief"


def test_a_step_is_the_same_in_toml_and_in_python(tmp_path):
    path = toml(
        tmp_path,
        """
        name = "own"
        [[step]]
        name = "brief"
        specification = "Write a brief on {topic}"
        [[step]]
        name = "meta"
        specification = "Describe {steps.brief} as {{json}}"
        task_type = "meta-description"
        items = 2
        output_tokens = 60
        needs = []
        [step.check]
        items = { exactly = 2 }
        [step.options]
        effort = "low"
        """,
    )
    meta = Step(
        "meta",
        "Describe {steps.brief} as {{json}}",
        task_type="meta-description",
        needs=[],
        facts={"items": 2, "output_tokens": 60},
        check={"items": {"exactly": 2}},
        options={"effort": "low"},
    )
    loaded = Pipeline.load(path)
    assert loaded == Pipeline("own", [BRIEF, meta])
    assert loaded["meta"].template.render({}, {"brief": "{topic}"}) == "Describe {topic} as {json}"
    task = loaded["meta"].task()
    assert (task.specification, task.task_type) == ("Describe brief as {json}", "meta-description")
    assert (task.items, task.output_tokens, task.verifiable) == (2, 60, True)
    assert loaded["meta"].built_options.effort == "low"


def test_a_step_waits_for_what_it_uses_else_for_the_one_before():
    pipeline = Pipeline(
        "order",
        [
            Step("last", "Close {steps.first}", needs=["middle"]),
            Step("first", "Open {topic}", needs=[]),
            Step("middle", "Go on with {topic}"),
            Step("free", "Tag {topic}", needs=[]),
        ],
    )
    assert pipeline.needs == {"last": ("middle", "first"), "first": (), "middle": ("first",), "free": ()}
    assert [step.name for step in pipeline.order] == ["first", "middle", "last", "free"]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "needs at least one Step; got ()"),
        (["draft"], "needs at least one Step; got ('draft',)"),
        ([BRIEF, BRIEF], "Two steps are called 'brief'"),
        ([BRIEF, Step("b", "Do {steps.breif}")], "a step 'breif' that isn't there; did you mean 'brief'?"),
        ([Step("a", "Do it", needs=["z"])], "a step 'z' that isn't there. Steps: a."),
        ([Step("a", "Do it", needs=["a"])], "No step of a cycle can begin: 'a' needs 'a'."),
        (
            [Step("a", "Do it", needs=["c"]), Step("b", "And"), Step("c", "Go on")],
            "'a' needs 'c' needs 'b' needs 'a'",
        ),
    ],
)
def test_steps_that_make_no_pipeline_are_refused(steps, said):
    with pytest.raises(InvalidPipeline) as caught:
        Pipeline("own", steps)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "a b"}, "must be of letters, digits, - and _; got 'a b'"),
        ({"name": 3}, "got 3"),
        ({"specification": ""}, "Step 'a': specification is empty"),
        ({"specification": None}, "specification must be a text; got None"),
        ({"specification": 'Return {"tags": []}'}, '{"tags": []} can\'t be filled in'),
        ({"specification": "Return {"}, "is no template"),
        ({"specification": "Return {}"}, "{} can't be filled in"),
        ({"specification": "{topic.__class__}"}, "{topic.__class__} can't be filled in"),
        ({"specification": "{topic!r}"}, "{topic!r} can't be filled in"),
        ({"specification": "{steps.}"}, "{steps.} can't be filled in"),
        ({"needs": "brief"}, "needs must be a list of names of steps; got 'brief'"),
        ({"facts": {"itmes": 3}}, "Step 'a': Unknown fact 'itmes'; did you mean 'items'?"),
        ({"facts": {"items": -3}}, "Step 'a': items must be a whole number >= 0; got -3"),
        ({"facts": {"attempts": ["haiku"]}}, "facts.attempts is not known yet"),
        ({"check": {"jsn": True}}, "no check is called 'jsn'; did you mean 'json'?"),
        ({"check": {}}, "check is empty; give one of json, json_schema"),
        ({"check": {"json": False}}, "check.json must be true; got False"),
        ({"check": {"regex": "("}}, "'(' is no regular expression"),
        ({"check": {"length": 155}}, "check.length must be a table of bounds; got 155"),
        ({"check": {"length": {"max": 155}}}, "check.length got an unexpected keyword argument 'max'"),
        ({"check": {"json_schema": {"type": "lst"}}}, "This is no JSON schema"),
        ({"check": 3}, "A check is a function of the answer's text"),
        ({"options": {"efort": "low"}}, "options.efort is unknown; did you mean 'effort'?"),
        ({"options": {"effort": "lowest"}}, "effort must be one of low"),
        ({"function": 3}, "function must be callable; got 3"),
        ({"deterministic": "yes"}, "deterministic must be true or false; got 'yes'"),
        ({"deterministic": True, "check": {"json": True}}, "this step needs no model"),
    ],
)
def test_a_step_that_cant_be_done_is_refused_by_name(options, said):
    with pytest.raises(InvalidPipeline) as caught:
        Step(**{"name": "a", "specification": "Do it", **options})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "name = 'own'\n[[step]\n",
            "is not a TOML file: Expected ']]' at the end of an array declaration (at line 2",
        ),
        ("name = 'own'", "lists its steps as [[step]] tables; found none"),
        ("step = 3", "lists its steps as [[step]] tables; found none"),
        ("format = 9", "format is 9; this tierwise reads up to 1"),
        ("steps = []", "Unknown key 'steps'; did you mean 'step'?"),
        ("[[step]]\nspecification = 'Do it'", "has a step without a name"),
        ("[[step]]\nname = 'a'\nspecification = 'Do'\noutput_token = 3", "did you mean 'output_tokens'?"),
        ("[[step]]\nname = 'a'\nspecification = 'Do'\npin = 3", "pin must be a non-empty text; got 3"),
    ],
)
def test_a_file_that_is_no_pipeline_is_named_with_what_is_wrong(tmp_path, text, said):
    path = toml(tmp_path, text)
    with pytest.raises(InvalidPipeline) as caught:
        Pipeline.load(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


def test_a_file_that_isnt_there_or_is_no_text_is_named(tmp_path):
    with pytest.raises(InvalidPipeline, match="Can't read the pipeline .*gone.toml: No such file"):
        Pipeline.load(tmp_path / "gone.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidPipeline, match="binary.toml is not a TOML file"):
        Pipeline.load(tmp_path / "binary.toml")


def test_functions_are_given_to_deterministic_steps_only():
    functions = {"publish-check": lambda fields, outputs: "online"}
    pipeline = Pipeline.load(ARTICLE_PIPELINE, functions=functions)
    assert pipeline["publish-check"].function is functions["publish-check"]
    with pytest.raises(InvalidPipeline, match="no step 'publish'; did you mean 'publish-check'"):
        Pipeline.load(ARTICLE_PIPELINE, functions={"publish": len})
    with pytest.raises(InvalidPipeline, match="'draft' is done by a model"):
        pipeline.with_functions({"draft": len})


def test_articles_must_have_the_fields_that_templates_use():
    pipeline = Pipeline("own", [BRIEF, DRAFT])
    assert pipeline.check_articles([{"topic": "tea", "more": 1}]) == ({"topic": "tea", "more": 1},)
    with pytest.raises(
        InvalidPipeline, match=r"Article 2 lacks the field 'topic' .* 'brief' needs; did you mean 'topics'"
    ):
        pipeline.check_articles([{"topic": "tea"}, {"topics": "tea"}])
    with pytest.raises(InvalidPipeline, match="Article 1 must be a mapping of fields; got str"):
        pipeline.check_articles(["tea"])


def test_all_fields_that_an_article_lacks_are_named_at_once():
    found = (
        "lacks the field 'topic' that the step 'brief' needs. It lacks 'checklist', 'tone' too. It has 'id'."
    )
    other = Step("check", specification="Check by {checklist}, in a {tone} tone, about {topic}")
    with pytest.raises(InvalidPipeline, match=found):
        Pipeline("own", [BRIEF, other]).check_articles([{"id": "a"}])


def test_values_that_are_no_texts_are_filled_in_as_json():
    template = Step("a", "{n}: {tags} {tags}").template
    assert template.render({"n": 3, "tags": ["é"]}, {}) == '3: ["é"] ["é"]'
    assert template.fields == ("n", "tags")
