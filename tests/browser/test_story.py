"""The playground's story by hand: read the plan, ask for it to be applied, see the site change."""

from __future__ import annotations

from tests.browser.conftest import Arrive
from tests.e2e.world import DEV, World


async def test_somebody_reads_plan_applies_it_and_sees_the_site_change(world: World, arrive: Arrive) -> None:
    dev = await arrive()
    number = await world.open_staging_change("Hello from a browser")
    await dev.open(f"{world.github.url}/{world.repo}/pull/{number}")
    await dev.page.get_by_label("Act as").select_option(DEV)
    await dev.page.wait_for_load_state()
    await dev.reads("To apply exactly this plan")

    await dev.page.get_by_label("Comment", exact=True).fill("/apply staging")
    await dev.page.get_by_role("button", name="Comment", exact=True).click()
    await dev.reads("(applied)")
    await dev.open(f"{world.playground.sites.url}/staging/")

    assert "Hello from a browser" in await dev.text("body")
    assert "apply staging applied" in await world.told(number)


async def test_run_link_of_comment_leads_through_login_to_the_run(world: World, arrive: Arrive) -> None:
    number, plan = await world.open_planned("<script>document.title = 'taken'</script>")
    await world.told(number)
    dev, outsider = await arrive(), await arrive()
    path = f"/runs/{plan.header['run']}"

    await dev.log_in(DEV, path)
    seen = await dev.text()
    await outsider.log_in("outsider", "/runs")
    listed = await outsider.text()
    whole = await dev.page.locator("details pre").text_content() or ""
    status = await outsider.open(path)
    refused = await outsider.text()

    assert "Plan of staging succeeded" in " ".join(seen.split())
    assert "<script>document.title = 'taken'</script>" in whole
    assert (await dev.page.title()).startswith("plan staging")
    assert "There is no run yet" in listed
    assert (status, world.repo in refused) == (404, False)
    outsider.forgive("404")


async def test_runs_are_found_with_the_keyboard_and_without_a_mouse(world: World, arrive: Arrive) -> None:
    number, plan = await world.open_planned("Found")
    await world.told(number)
    dev = await arrive()
    await dev.log_in(DEV, "/runs")

    await dev.page.keyboard.press("Tab")
    first = await dev.page.evaluate("document.activeElement.textContent")
    await dev.page.keyboard.press("Enter")
    landed = await dev.page.evaluate("document.activeElement.id")
    await dev.page.get_by_role("combobox", name="Repository").select_option(world.repo)
    await dev.page.get_by_role("textbox", name="Environment").fill("staging")
    await dev.page.keyboard.press("Enter")
    await dev.page.wait_for_url("**env=staging**")
    link = dev.page.locator("tbody th a")
    await link.first.focus()
    outline = await link.first.evaluate("node => getComputedStyle(node).outlineStyle")
    await dev.page.keyboard.press("Enter")
    await dev.page.wait_for_url("**/runs/r*")

    assert (first, landed, outline) == ("Skip to the content", "main", "solid")
    assert dev.page.url.endswith(str(plan.header["run"]))


async def test_logging_out_ends_the_session_in_the_browser(world: World, arrive: Arrive) -> None:
    dev = await arrive()
    await dev.log_in(DEV, "/runs")

    await dev.page.get_by_role("button", name="Log out").click()
    await dev.page.wait_for_url(f"{world.playground.bot.url}/")
    await dev.open("/runs")

    assert "/login/oauth/authorize" in dev.page.url
