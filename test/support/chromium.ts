// A real browser for tests, where the machine has one.
import { existsSync } from "node:fs"
import { Effect } from "effect"
import { chromium as playwright } from "playwright-core"

const PLACES = ["chromium", "chromium-browser", "google-chrome"].flatMap((name) => [
  `/usr/bin/${name}`,
  `/usr/local/bin/${name}`
])

/** Where Chromium is on this machine, if it is. */
export const chromiumPath: string | undefined = PLACES.find((path) => existsSync(path))

/** A browser until the scope closes, with more on its command line. */
export const browserWith = (...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    // In a container it runs as a user who may not make a sandbox; it opens pages of our own only.
    Effect.promise(() => playwright.launch({ executablePath: chromiumPath ?? "", args: ["--no-sandbox", ...args] })),
    (opened) => Effect.promise(() => opened.close())
  )

/** A browser until the scope closes. */
export const browser = browserWith()
