// The reports as a person sees them.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { quantPolicy } from "../../actors/index.ts"
import { agentTestPage } from "../../cli/evaluate/agent-page.ts"
import { walkForward } from "../../cli/evaluate/backtest.ts"
import { backtestPage } from "../../cli/evaluate/backtest-page.ts"
import { backtestReport } from "../../cli/evaluate/backtest-report.ts"
import { runAgentTests } from "../../evaluation/agent-tests.ts"
import { takeBars } from "../../sim/index.ts"
import { browser, chromiumPath } from "../support/chromium.ts"
import { temporaryFolder } from "../support/nats.ts"

if (chromiumPath === undefined) console.log("test/browser/reports.test.ts: skipped, for there is no Chromium here")

const backtest = () => {
  const bars = takeBars({ seed: 2, symbol: "ACME", startTime: 0 }, 400)
  const walk = walkForward(bars, { symbol: "ACME", policy: quantPolicy })
  return backtestPage(walk, backtestReport(walk))
}

/** Of each chart, whether anything is on it. */
const DRAWN = `[...document.querySelectorAll("canvas")].map((canvas) => canvas.getContext("2d")
  .getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value !== 0))`

/** Opens a page on a wide screen or a phone, in light or dark, and gives what went wrong and what is there. */
const look = (html: string, { width, dark }: { readonly width: number; readonly dark: boolean }) =>
  Effect.gen(function* () {
    const file = join(yield* temporaryFolder, "report.html")
    writeFileSync(file, html)
    const opened = yield* browser
    return yield* Effect.promise(async () => {
      const colorScheme = dark ? "dark" : "light"
      const page = await opened.newPage({ viewport: { width, height: 800 }, colorScheme })
      const wrong: Array<string> = []
      page.on("pageerror", (error) => wrong.push(error.message))
      page.on("console", (message) => message.type() === "error" && wrong.push(message.text()))
      page.on("request", (request) => request.url().startsWith("file:") || wrong.push(`it loads ${request.url()}`))
      await page.goto(pathToFileURL(file).href)
      const [heading, scrolls, paper] = [
        await page.textContent("h1"),
        await page.evaluate("document.documentElement.scrollWidth > innerWidth"),
        await page.evaluate("getComputedStyle(document.body).backgroundColor")
      ]
      const drawn: unknown = await page.evaluate(DRAWN)
      return { wrong, heading, scrolls, paper, drawn }
    })
  }).pipe(Effect.scoped)

describe.skipIf(chromiumPath === undefined)("in a browser", () => {
  it.live("a backtest is drawn, wide and on a phone, light and dark, and loads nothing", () =>
    Effect.gen(function* () {
      const html = backtest()
      const light = yield* look(html, { width: 1200, dark: false })
      const dark = yield* look(html, { width: 390, dark: true })
      for (const seen of [light, dark]) {
        assert.deepStrictEqual(seen.wrong, [])
        assert.strictEqual(seen.heading, "Backtest of ACME")
        assert.strictEqual(seen.scrolls, false)
        assert.deepStrictEqual(seen.drawn, [true, true, true])
      }
      assert.notStrictEqual(light.paper, dark.paper)
    })
  )

  it.live("the agent tests are readable without scripts", () =>
    Effect.gen(function* () {
      const html = agentTestPage(yield* runAgentTests({ runs: 1 }))
      const seen = yield* look(html, { width: 390, dark: false })
      assert.deepStrictEqual(seen.wrong, [])
      assert.strictEqual(seen.scrolls, false)
      assert.notInclude(html, "<script")
    })
  )
})
