import { readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ROOT } from "../support/command.ts"

/** What a file cannot be loaded without: files of ours it imports, theirs, and so on; packages by name. */
const needs = (file: string, seen = new Set<string>()): ReadonlySet<string> => {
  if (seen.has(relative(ROOT, file))) return seen
  seen.add(relative(ROOT, file))
  const text = readFileSync(file, "utf8").replaceAll(/^(import|export) type [^"]*? from "[^"]+"$/gm, "")
  for (const [, from = ""] of text.matchAll(/^(?:\}|(?:import|export) [^"\n]*) from "([^"]+)"$/gm)) {
    if (from.startsWith(".")) needs(join(file, "..", from), seen)
    else seen.add(from)
  }
  return seen
}

const roomsOf = (file: string): ReadonlyArray<string> => {
  const rooms = [...needs(join(ROOT, "cli", file))].map((name) =>
    name.includes("/index.ts") ? name.split("/")[0] : ""
  )
  return [...new Set(rooms)].filter((room): room is string => room !== undefined && room !== "").toSorted()
}

describe("a command loads only what it needs", () => {
  it("help needs no room at all, and logging none that costs time", () => {
    assert.deepStrictEqual(roomsOf("main.ts"), [])
    assert.deepStrictEqual(roomsOf("logging.ts"), ["protocols"])
    assert.notInclude([...needs(join(ROOT, "cli", "logging.ts"))], "pino")
  })

  it("who looks at the nodes needs no actors and no gateway, and who looks at a gateway no actors", () => {
    assert.deepStrictEqual(roomsOf("operate/nodes.ts"), ["protocols", "runtime", "server"])
    assert.deepStrictEqual(roomsOf("operate/dead.ts"), ["protocols", "runtime", "server"])
    assert.deepStrictEqual(roomsOf("operate/clients.ts"), ["gateway", "protocols", "runtime"])
    assert.deepStrictEqual(roomsOf("operate/portfolio.ts"), ["actors", "protocols", "runtime", "server"])
  })

  it("the runtime needs no client of NATS; its ports on NATS do", () => {
    const clients = (path: string) => [...needs(join(ROOT, path))].filter((name) => name.startsWith("@nats-io/"))
    assert.deepStrictEqual(clients("runtime/index.ts"), [])
    assert.includeMembers(clients("runtime/nats/index.ts"), ["@nats-io/jetstream"])
  })

  it("nobody needs all that a package has, where that is hundreds of files: a server's clients come with it", () => {
    const commands = ["run/up.ts", "market/market.ts", "evaluate/analyze.ts", "evaluate/backtest.ts"]
    const whole = commands.filter((file) => needs(join(ROOT, "cli", file)).has("@effect/platform-node"))
    assert.deepStrictEqual(whole, [])
  })

  it("and whole systems need all", () => {
    assert.includeMembers([...roomsOf("run/up.ts")], ["actors", "gateway", "protocols", "runtime", "sim"])
  })
})
