// What the gateway serves to people, as they see it.
import { createServer } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Page } from "playwright-core"
import { browser, browserWith, chromiumPath } from "../support/chromium.ts"
import { startGateway } from "../support/gateway.ts"

if (chromiumPath === undefined) console.log("test/gateway/browser.test.ts: skipped, for there is no Chromium here")

const SCREENS = [
  { width: 1_200, dark: false },
  { width: 390, dark: true }
]

/** Opens a page, and gives it with all that goes wrong in it from then on. */
const look = (url: string, { width, dark } = SCREENS[0]!) =>
  Effect.gen(function* () {
    const opened = yield* browser
    return yield* Effect.promise(async () => {
      const page = await opened.newPage({ viewport: { width, height: 800 }, colorScheme: dark ? "dark" : "light" })
      const wrong: Array<string> = []
      page.on("pageerror", (error) => wrong.push(error.message))
      page.on("console", (message) => message.type() === "error" && wrong.push(message.text()))
      await page.goto(url)
      return { page, wrong }
    })
  })

const scrollsSideways = (page: Page) => page.evaluate("document.documentElement.scrollWidth > innerWidth")
/** How far the colours of a link and of the page are apart, from 0 to 765. */
const contrast = (page: Page) =>
  page.evaluate<number>(`{
    const parts = (text) => text.match(/\\d+/g).slice(0, 3).map(Number)
    const link = parts(getComputedStyle(document.querySelector("a")).color)
    parts(getComputedStyle(document.body).backgroundColor).reduce((sum, part, at) => sum + Math.abs(part - link[at]), 0)
  }`)
const decodeDescription = Schema.decodeUnknownSync(
  Schema.Struct({ paths: Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown)) })
)

const decision = { symbol: "AAPL", agent_type: "risk_advisor", decision: "BUY", confidence: 0.5 }

describe.skipIf(chromiumPath === undefined)("in a browser", () => {
  it.live("the page of the API shows every route, on a wide screen and on a phone", () =>
    Effect.gen(function* () {
      const { url } = (yield* startGateway()).gateway
      for (const screen of SCREENS) {
        const { page, wrong } = yield* look(`${url}/docs`, screen)
        yield* Effect.promise(async () => {
          const { paths } = decodeDescription(await (await fetch(`${url}/openapi.json`)).json())
          const routes = Object.entries(paths).flatMap(([path, methods]) =>
            Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)
          )
          await page
            .locator("details")
            .nth(routes.length - 1)
            .waitFor()
          const shown = await page.locator("summary").allInnerTexts()
          assert.sameMembers(
            shown.map((text) => text.split(/\s+/).slice(0, 2).join(" ")),
            routes
          )
          await page.locator("details").evaluateAll((all) => all.forEach((one) => one.setAttribute("open", "")))
          assert.notMatch(await page.innerText("main"), /undefined|\[object/)
          assert.strictEqual(await scrollsSideways(page), false, `at ${screen.width}`)
          assert.isAbove(await contrast(page), 300, "links can be read")
        })
        assert.deepStrictEqual(wrong, [])
      }
    }).pipe(Effect.scoped)
  )

  it.live("the example shows the last decisions, then those that come", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      log.publish("decision.AAPL.risk_advisor", "agent_decision", decision)
      const { page, wrong } = yield* look(`${gateway.url}/example`)
      yield* Effect.promise(() => page.waitForSelector("text=1 AAPL risk_advisor BUY 0.5"))
      log.publish("decision.AAPL.risk_advisor", "agent_decision", { ...decision, decision: "SELL" })
      yield* Effect.promise(async () => {
        await page.waitForSelector("text=2 AAPL risk_advisor SELL 0.5")
        assert.match(await page.innerText("#state"), /^open/)
      })
      assert.deepStrictEqual(wrong, [])
    }).pipe(Effect.scoped)
  )

  it.live("a page of another name, or of another server, reads nothing and makes nobody work", () =>
    Effect.gen(function* () {
      const { gateway, asked, answerWith } = yield* startGateway()
      answerWith(() => Effect.die("nobody may ask"))
      const page = yield* Effect.acquireRelease(
        Effect.sync(() => createServer((_, response) => response.end("<title>elsewhere</title>")).listen(0)),
        (server) => Effect.sync(() => server.close())
      )
      const { port: elsewhere } = Object(page.address())
      // As if their names had been pointed at this machine after the pages were loaded.
      const opened = yield* browserWith("--host-resolver-rules=MAP *.example 127.0.0.1")
      const api = `/api/v1/agents/status?symbol=A`
      const tried = (at: string, base: string) =>
        Effect.promise(async () => {
          const tab = await opened.newPage()
          await tab.goto(at)
          return await tab.evaluate<Array<unknown>>(`(async () => {
            const base = ${JSON.stringify(base)}
            const ends = (made) => new Promise((resolve) => {
              made.onopen = () => resolve("open")
              made.onerror = () => resolve("refused")
            })
            const image = new Image()
            const seen = new Promise((resolve) => { image.onerror = resolve })
            image.src = base + "${api}"
            await seen
            await fetch(base + "${api}", { mode: "no-cors" }).catch(() => undefined)
            return [
              await fetch(base + "${api}").then(({ status }) => status, () => "refused"),
              await ends(new WebSocket(base.replace("http", "ws") + "/ws")),
              await ends(new EventSource(base + "/api/v1/events?pattern=a"))
            ]
          })()`)
        })
      const rebound = `http://rebound.example:${gateway.port}`
      assert.deepStrictEqual(yield* tried(rebound, rebound), [421, "refused", "refused"])
      for (const name of ["elsewhere.example", "127.0.0.1", "localhost"]) {
        const found = yield* tried(`http://${name}:${elsewhere}`, gateway.url)
        assert.deepStrictEqual(found, ["refused", "refused", "refused"], name)
      }
      assert.deepStrictEqual(asked, [])
      // Its own pages may ask, though none of them has a picture.
      const own = yield* tried(`${gateway.url}/docs`, gateway.url)
      assert.deepStrictEqual([own.slice(1), asked.length], [["open", "open"], 2])
    }).pipe(Effect.scoped)
  )
})
