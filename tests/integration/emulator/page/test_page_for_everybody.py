"""The page for every user: by keyboard, by ear, on a narrow screen, in the dark, without motion."""

from itertools import pairwise

import pytest
from selenium.webdriver import ActionChains, Keys

pytestmark = pytest.mark.integration

# The contrast of each text with what is behind it, after WCAG 2.2, "contrast ratio".
LOW_CONTRAST = """
const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
const linear = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const channel = (c) => linear(c / 255);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = (node) => {
  for (let e = node; e; e = e.parentElement) {
    const colour = numbers(getComputedStyle(e).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
    if (colour[3] !== 0) throw new Error('half transparent: ' + e.className);
  }
  return [255, 255, 255];
};
const ratio = (a, b) => {
  const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
};
const found = [];
let checked = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const owner = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !owner.checkVisibility()) continue;
  if (owner.closest('title, desc, noscript, script, .unseen')) continue;
  const style = getComputedStyle(owner);
  const colour = owner.closest('svg') ? style.fill : style.color;
  const value = ratio(numbers(colour), behind(owner));
  checked += 1;
  if (value < 4.5) found.push(`${value.toFixed(2)} ${walker.currentNode.data}`);
}
for (const shape of document.querySelectorAll('.line, .fill')) {
  const style = getComputedStyle(shape);
  const colour = shape.matches('.fill') ? style.fill : style.stroke;
  const value = ratio(numbers(colour), behind(shape));
  checked += 1;
  if (value < 3) found.push(`${value.toFixed(2)} ${shape.getAttribute('class')}`);
}
return [checked, found];
"""

NAMELESS = """
const named = (e) => {
  const by = e.getAttribute('aria-labelledby');
  const text = by ? by.split(' ').map((id) => document.getElementById(id)?.textContent).join('')
    : e.getAttribute('aria-label') ?? e.textContent;
  return Boolean(text && text.trim());
};
const wanted = 'a, button, summary, table, section, main, aside, svg[role=img], [role=log], ' +
  '[role=region], [tabindex="0"]';
return [...document.querySelectorAll(wanted)].filter((e) => !named(e)).map((e) => e.outerHTML);
"""


@pytest.fixture
def page(stage, browser):
    browser.open(stage.url)
    browser.wait("document.getElementById('connection').textContent === 'Live'")
    browser.wait("document.querySelectorAll('figure').length === 3")
    return browser


def press(page, *keys):
    ActionChains(page.driver).send_keys(*keys).perform()


def focused(page):
    return page.script(
        "const e = document.activeElement;"
        "return e.getAttribute('aria-label') ?? e.textContent.trim().slice(0, 60)"
    )


def test_a_rollout_is_told_with_its_stage_time_left_shares_and_replicas(page):
    assert page.text(".steps li[aria-current=step]") == "baking"
    assert " min left (" in page.text(".rollout p") or " h " in page.text(".rollout p")
    assert page.text("table[aria-label='Fleets of fraud'] tbody tr:nth-child(2)") == (
        "fraud-fedcba987654new10 %1 of 2"
    )
    widths = page.script(
        "return [...document.querySelectorAll('.split rect')].map(r => r.getAttribute('width'))"
    )
    assert widths == ["90", "10"]
    assert page.text(".split desc") == "fraud-0123456789ab 90 %, fraud-fedcba987654 10 %"
    row = "table[aria-label='Replicas of fraud'] tbody tr:nth-child(4)"
    assert page.text(f"{row} th") == "i-00000000000000004"
    assert page.text(f"{row} td") == (
        "primary|fraud-fedcba987654|▲ unhealthy|3|139|4004, port 40004"
    )
    assert page.text("header .warning") == "Warning: restored in part"


def test_what_happens_appears_without_a_reload_and_is_said(page, stage):
    stage.endpoint["traffic"] = {"fraud-0123456789ab": 0.0, "fraud-fedcba987654": 1.0}
    stage.happened("promoted", "fraud-fedcba987654 serves all requests")

    page.wait_for("#news p", "fraud: fraud-fedcba987654 serves all requests")
    assert page.text(".events li:first-child .kind") == "promoted"
    assert page.text(".split desc") == "fraud-0123456789ab 0 %, fraud-fedcba987654 100 %"
    assert page.script("return document.getElementById('news').getAttribute('role')") == "log"


def test_a_roll_back_is_told_as_one(page, stage):
    new = stage.endpoint["rollout"]["config"]
    stage.endpoint["status"] = "RollingBack"
    stage.endpoint["rollout"] = {"stage": "rolling-back", "config": new, "until": None}

    page.wait_for(".rollout.loud p", "Rolling back from fraud-fedcba987654")
    assert page.text(".steps li[aria-current=step]") == "rolling-back"
    assert page.text("#endpoints .heading .badge") == "▲ RollingBack"


def test_what_was_there_before_is_not_said(page):
    assert page.text("#news") == ""
    assert page.text(".events li .kind") == "update-started"


def test_the_keyboard_reaches_everything_in_order_and_the_focus_is_seen(page):
    stops, outlines = [], []
    for _ in range(5):
        press(page, Keys.TAB)
        stops.append(focused(page))
        outlines.append(
            page.script(
                "const style = getComputedStyle(document.activeElement);"
                "return `${style.outlineStyle} ${style.outlineWidth}`"
            )
        )

    assert stops == [
        "Skip to the endpoints",
        "Pause updates",
        "The same figures as a table",
        "Replicas: 3 of 4 healthy",
        "Last words of the replica that failed",
    ]
    assert outlines == ["solid 3px"] * 5


def test_what_scrolls_is_a_named_stop_on_the_way_and_nothing_else_is(page, stage):
    assert page.script("return document.querySelectorAll('.scroll[tabindex]').length") == 0

    for number in range(60):
        stage.happened("traffic", f"step {number}")
    page.wait_for(".events p", "step 59")

    assert page.script(
        "return [...document.querySelectorAll('.scroll[tabindex]')].map(e =>"
        " [e.getAttribute('role'), e.getAttribute('aria-label')])"
    ) == [["region", "Timeline"]]
    for _ in range(6):
        press(page, Keys.TAB)
    assert focused(page) == "Timeline"
    press(page, Keys.END)
    page.wait("document.activeElement.scrollTop > 0")


def test_the_skip_link_leads_to_the_endpoints(page):
    press(page, Keys.TAB)
    assert page.script("return document.activeElement.getBoundingClientRect().top >= 0")

    press(page, Keys.ENTER)
    assert page.script("return document.activeElement.id") == "main"
    press(page, Keys.TAB)
    assert focused(page) == "The same figures as a table"


def test_enter_opens_the_figures_which_stay_open_and_focused_through_updates(page, stage):
    for _ in range(3):
        press(page, Keys.TAB)
    press(page, Keys.ENTER)

    page.wait("document.querySelectorAll('table[aria-label=\"Figures of fraud\"] tr').length > 9")
    head = page.text("table[aria-label='Figures of fraud'] thead th").split("|")
    assert head == [
        "Time",
        "fraud-0123456789ab: requests per real second",
        "p50 ms",
        "p99 ms",
        "errors per real second",
        "fraud-fedcba987654: requests per real second",
        "p50 ms",
        "p99 ms",
        "errors per real second",
    ]
    page.wait(
        "[...document.querySelectorAll('table[aria-label=\"Figures of fraud\"] tr')].some(row =>"
        " [...row.cells].slice(1).map(c => c.textContent).join(' ') === '9 12 12 0 1 30 30 1')"
    )
    stage.happened("traffic", "half of it")
    page.wait_for(".events p", "half of it")
    assert focused(page) == "The same figures as a table"
    assert page.script("return document.activeElement.parentElement.open")

    press(page, Keys.ENTER)
    page.wait("document.querySelector('table[aria-label=\"Figures of fraud\"]') === null")


def test_what_was_closed_stays_closed(page, stage):
    for _ in range(4):
        press(page, Keys.TAB)
    press(page, Keys.ENTER)

    stage.happened("traffic", "half of it")
    page.wait_for(".events p", "half of it")

    assert page.script("return document.activeElement.parentElement.open") is False


def test_updates_can_be_paused(page, stage):
    press(page, Keys.TAB, Keys.TAB, Keys.SPACE)

    assert page.text("#connection") == "Paused"
    assert page.script("return document.activeElement.getAttribute('aria-pressed')") == "true"
    page.asked()
    stage.happened("traffic", "half of it")
    page.script("window.paused = performance.now()")
    page.wait("performance.now() - window.paused > 2500")
    assert page.asked() == []
    assert "half of it" not in page.text(".events")

    press(page, Keys.SPACE)
    page.wait_for(".events p", "half of it")
    assert page.text("#connection") == "Live"


def test_nothing_is_asked_while_nobody_looks(page, stage):
    tab = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    page.driver.switch_to.window(tab)
    hidden = page.script("return document.hidden")
    if not hidden:  # a headless browser shows every tab: tell the page what a real one would
        page.script(
            "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
    page.script("window.left = performance.now()")
    page.wait("performance.now() - window.left > 1500")
    page.asked()
    page.wait("performance.now() - window.left > 4000")

    assert page.asked() == []

    stage.happened("traffic", "half of it")
    page.script("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for(".events p", "half of it")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_that_it_needs(page, scheme, stage):
    stage.happened("rolled-back", "to fraud-0123456789ab")
    page.wait_for(".events p", "to fraud-0123456789ab")
    page.prefer(prefers_color_scheme=scheme)
    page.script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.wait("document.querySelector('table[aria-label=\"Figures of fraud\"]') !== null")

    checked, low = page.script(LOW_CONTRAST)

    assert low == []
    assert checked > 300


def test_light_and_dark_are_not_the_same(page):
    backgrounds = set()
    for scheme in ("light", "dark"):
        page.prefer(prefers_color_scheme=scheme)
        backgrounds.add(page.script("return getComputedStyle(document.body).backgroundColor"))

    assert backgrounds == {"rgb(245, 246, 248)", "rgb(18, 21, 26)"}


def test_everything_has_a_name_and_the_page_a_language_and_an_order(page):
    assert page.script(NAMELESS) == []
    assert page.script("return document.documentElement.lang") == "en"
    levels = page.script(
        "return [...document.querySelectorAll('h1, h2, h3')].map(h => Number(h.localName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    identifiers = page.script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(identifiers) == len(set(identifiers))
    tables = "return [...document.querySelectorAll('table')].map(t => t.querySelectorAll("
    assert all(page.script(tables + "'thead th[scope=col]').length)"))
    assert all(page.script(tables + "'tbody th[scope=row]').length)"))


def test_a_plot_has_a_title_and_its_figures_in_words(page):
    names = page.script(
        "return [...document.querySelectorAll('figure svg[role=img]')].map(s =>"
        " document.getElementById(s.getAttribute('aria-labelledby')).textContent)"
    )
    assert names == [
        "Requests, per real second",
        "Model latency, ms",
        "Errors, per real second",
    ]
    assert page.text("#endpoint-us-east-1-fraud-latency-desc").startswith(
        "p50 of fraud-0123456789ab: 12 ms at last, 12 at most; "
        "p99 of fraud-0123456789ab: 12 ms at last, 12 at most; "
        "p50 of fraud-fedcba987654: 30 ms at last, 30 at most; "
    )


def test_at_320_pixels_nothing_is_cut_off_and_plots_keep_their_text(page):
    page.narrow(320)
    page.wait("document.querySelector('figure svg').viewBox.baseVal.width < 320")

    page.wait("document.documentElement.scrollWidth <= 320")
    outside = page.script(
        "return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility()"
        " && !e.closest('.scroll, .skip, .unseen, svg, thead')"
        " && e.getBoundingClientRect().right > 320.5).map(e => e.outerHTML)"
    )
    assert outside == []
    shrunk = page.script(
        "return [...document.querySelectorAll('figure svg')].map(s =>"
        " s.getBoundingClientRect().width / s.viewBox.baseVal.width)"
    )
    assert [round(each, 1) for each in shrunk] == [1.0, 1.0, 1.0]
    # Rows become blocks: nothing of the tables is beside the screen.
    assert page.script(
        "return [...document.querySelectorAll('.scroll')].every(e => e.scrollWidth <= 320)"
    )


def test_nothing_moves_for_those_who_asked_for_that(page):
    durations = "return getComputedStyle(document.querySelector('.split rect')).transitionDuration"
    page.prefer(prefers_reduced_motion="no-preference")
    assert page.script(durations) != "0s"

    page.prefer(prefers_reduced_motion="reduce")
    assert page.script(durations) == "0s"


def test_hostile_text_is_shown_wherever_text_is_shown(page, stage):
    evil = "<img src=x onerror=\"document.title='run'\"><script>alert(1)</script>"
    replicas = [
        each | {"instance_id": evil, "variant": evil} for each in stage.endpoint["replicas"]
    ]
    stage.endpoints.append(
        stage.endpoint
        | {
            "name": evil,
            "status": evil,
            "config": evil,
            "failure_reason": evil,
            "log_group": evil,
            "last_failure_log": [evil],
            "traffic": {evil: 1.0},
            "rollout": {"stage": evil, "config": evil, "until": None},
            "replicas": replicas[:1],
            "variants": [{"name": evil, "weight": 1, "instances": 1, "desired_instances": 1}],
        }
    )
    stage.happened(evil, evil)

    page.wait_for("#endpoints h2", evil)
    page.wait_for(".events p", evil)

    assert page.script("return document.querySelectorAll('script').length") == 1
    assert page.script("return document.querySelectorAll('body img').length") == 0
    assert page.script("return document.title") == "modelway emulator"
    for selector in (".badge", ".facts code", ".warning", ".rollout code", "pre", ".kind"):
        assert evil in page.text(selector), selector
    assert page.complaints() == []
