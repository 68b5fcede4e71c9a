import { existsSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { arrows, cycles, folderCycles, serverSubjects } from "./support/rooms.ts"
import { isCode, readSources, type Source } from "./support/sources.ts"
import * as style from "./support/style.ts"

const ROOT = join(import.meta.dirname, "..")
const sources = readSources(ROOT)
const code = sources.filter(({ path }) => isCode(path))
const exists = (path: string) => existsSync(join(ROOT, path))

const source = (path: string, text: string): Source => ({ path, text })
const none = (complaints: ReadonlyArray<string>) => assert.deepStrictEqual(complaints, [])

describe("in this checkout", () => {
  it("there is code to look at", () => assert.isAbove(code.length, 20))
  it("rooms import along the arrows, and only the index of another room", () => none(code.flatMap(arrows)))
  it("only runtime/nats knows subjects of NATS itself", () => none(code.flatMap(serverSubjects)))
  it("no file imports itself by way of others of its room", () => none(cycles(code)))
  it("no folder imports itself by way of those beside it", () => none(folderCycles(code)))
  it("files have at most 300 lines", () => none(code.flatMap(style.fileLength)))
  it("functions have at most 70 lines", () => none(code.flatMap(style.functionLength)))
  it("nothing is left to do and no check is switched off", () => none(code.flatMap(style.leftovers)))
  it("runtime, actors and sim take time and chance from Effect", () => none(code.flatMap(style.timeAndChance)))
  it("only cli/config.ts reads the environment", () => none(code.flatMap(style.environment)))
  it("no file is dead", () => none(style.deadFiles(sources)))
  it("links in the documentation lead somewhere", () => none(style.links(sources, exists)))
  it("no file names a machine's folders or a registry's host", () => none(sources.flatMap(style.machines)))
})

describe("the rule on imports", () => {
  it("refuses a room that is not below, a file behind the index, and a package", () => {
    const refused = (path: string, specifier: string) => arrows(source(path, `import { a } from "${specifier}"`)).length
    assert.strictEqual(refused("protocols/a.ts", "../runtime/index.ts"), 1)
    assert.strictEqual(refused("runtime/engine/a.ts", "../../protocols/index.ts"), 1)
    assert.strictEqual(refused("actors/agents/a.ts", "../../gateway/index.ts"), 1)
    assert.strictEqual(refused("gateway/a.ts", "../cli/config.ts"), 1)
    assert.strictEqual(refused("gateway/a.ts", "../test/support/nats.ts"), 1)
    assert.strictEqual(refused("cli/main.ts", "../runtime/log.ts"), 1)
    assert.strictEqual(refused("protocols/a.ts", "@nats-io/jetstream"), 1)
    for (const room of ["runtime", "runtime/engine", "gateway/streams", "actors", "sim/log", "cli"]) {
      assert.strictEqual(refused(`${room}/a.ts`, "@nats-io/transport-node"), 1)
    }
    assert.strictEqual(refused("runtime/a.ts", "./nats/index.ts"), 1)
    assert.strictEqual(refused("gateway/a.ts", "../runtime/nats/index.ts"), 1)
    assert.strictEqual(refused("cli/a.ts", "../runtime/nats/layer.ts"), 1)
    assert.strictEqual(refused("runtime/a.ts", "node:fs"), 1)
    assert.strictEqual(refused("runtime/a.ts", "effectful"), 1)
  })

  it("sees types, exports, dynamic imports and import types", () => {
    const text = `import type { A } from "../cli/a.ts"
export * from "../cli/b.ts"
export { c } from "../cli/c.ts"
const d = import("../cli/d.ts")
type E = import("../cli/e.ts").E
const f = 'import "../cli/f.ts"' // import "../cli/g.ts"`
    assert.strictEqual(arrows(source("runtime/a.ts", text)).length, 5)
  })

  it("sees a subject of NATS itself outside of its room", () => {
    const subject = `const a = "$${"JS"}.API.INFO"`
    assert.lengthOf(serverSubjects(source("gateway/a.ts", subject)), 1)
    none(serverSubjects(source("runtime/nats/a.ts", subject)))
    none(serverSubjects(source("test/a.ts", subject)))
  })

  it("allows the arrows, and tests anything", () => {
    none(
      arrows(
        source("actors/agents/a.ts", 'import { a } from "../../runtime/index.ts"; import "effect/http"; import "zod"')
      )
    )
    none(
      arrows(
        source("runtime/nats/log.ts", 'import { a } from "../log.ts"; import "@nats-io/jetstream"; import "effect"')
      )
    )
    none(arrows(source("cli/main.ts", 'import "../gateway/index.ts"; import "../setup/lock.mjs"')))
    none(arrows(source("cli/main.ts", 'import "../runtime/nats/index.ts"')))
    none(arrows(source("test/a.test.ts", 'import "../runtime/log.ts"')))
  })

  it("finds a cycle, also of types", () => {
    const files = [
      source("runtime/a.ts", 'import type { B } from "./engine/b.ts"'),
      source("runtime/engine/b.ts", 'import { c } from "../c.ts"'),
      source("runtime/c.ts", 'export * from "./a.ts"')
    ]
    assert.deepStrictEqual(cycles(files), ["runtime/a.ts → runtime/engine/b.ts → runtime/c.ts → runtime/a.ts"])
    none(cycles(files.slice(0, 2)))
  })
})

describe("the rule on folders", () => {
  it("finds a cycle of folders although no file imports itself; a folder may share what lies above it", () => {
    const files = [
      source("gateway/http/a.ts", 'import { b } from "../socket/b.ts"'),
      source("gateway/socket/b.ts", 'import { d } from "../d.ts"'),
      source("gateway/socket/c.ts", 'import { e } from "../http/inner/e.ts"'),
      source("gateway/d.ts", 'import { c } from "./socket/c.ts"')
    ]
    assert.deepStrictEqual(folderCycles(files), ["gateway/http → gateway/socket → gateway/http"])
    none(folderCycles(files.filter(({ path }) => !path.endsWith("c.ts"))))
  })
})

describe("the rules on sizes", () => {
  it("refuse the first line too many", () => {
    none(style.fileLength(source("a.ts", "a\n".repeat(300))))
    assert.strictEqual(style.fileLength(source("a.ts", "a\n".repeat(301))).length, 1)
    const text = (lines: number) => `export const f = () => {\n${"a()\n".repeat(lines - 2)}}\n`
    none(style.functionLength(source("a.ts", text(70))))
    assert.deepStrictEqual(style.functionLength(source("a.ts", text(71))), ["a.ts:1: 71 lines, at most 70"])
  })

  it("see methods and generators, and let a block of tests be long", () => {
    const body = "a()\n".repeat(80)
    assert.strictEqual(style.functionLength(source("a.ts", `class A { m() {\n${body}} }`)).length, 1)
    assert.strictEqual(style.functionLength(source("a.ts", `gen(function* () {\n${body}})`)).length, 1)
    none(style.functionLength(source("a.test.ts", `describe("a", () => {\n${body}})`)))
    none(style.functionLength(source("a.test.ts", `layer(x)("a", (it) => {\n${body}})`)))
    assert.strictEqual(style.functionLength(source("a.test.ts", `it("a", () => {\n${body}})`)).length, 1)
  })
})

describe("the rules on what code says", () => {
  it("find what is left over", () => {
    for (const text of [
      "// TO" + "DO later",
      "/* FIX" + "ME */",
      "// @ts-" + "ignore",
      "f(a as any)",
      "it.only(a)",
      "let a: any"
    ]) {
      assert.strictEqual(style.leftovers(source("a.ts", text)).length, 1, text)
    }
    assert.strictEqual(style.leftovers(source("runtime/a.ts", "// @ts-expect-" + "error")).length, 1)
    none(style.leftovers(source("test/a.test.ts", "// @ts-expect-" + "error")))
    none(style.leftovers(source("a.ts", 'const todo = "as any"; const only = list.only')))
  })

  it("find the clock and the dice in the rooms that are simulated", () => {
    for (const text of [
      "Date.now()",
      "x(Math.random)",
      "setTimeout(f, 1)",
      "crypto.randomUUID()",
      "new Date()",
      "globalThis.setTimeout(f)"
    ]) {
      for (const room of ["runtime/nats", "actors", "sim"]) {
        assert.isAbove(style.timeAndChance(source(`${room}/a.ts`, text)).length, 0, `${room}: ${text}`)
      }
    }
    none(style.timeAndChance(source("runtime/a.ts", 'new Date(0); Clock.now(); "Date.now()" // Date.now()')))
    none(style.timeAndChance(source("gateway/a.ts", "Date.now()")))
  })

  it("find the environment", () => {
    assert.strictEqual(style.environment(source("cli/main.ts", "f(process.env.PORT)")).length, 1)
    assert.strictEqual(style.environment(source("gateway/a.ts", 'import { env } from "node:process"')).length, 1)
    none(style.environment(source("cli/config.ts", "process.env")))
  })

  it("find a machine's folders and the hosts of registries", () => {
    const hosts = [`registry.${"example"}.org`, `https://deb.${"example"}.org/pool`, `mirror.some.${"example"}.net`]
    for (const text of [`/${"home"}/ada/x`, `"/${"root"}/x"`, `/${"Users"}/ada`, ...hosts]) {
      assert.isAbove(style.machines(source("a.json", text)).length, 0, text)
    }
    none(style.machines(source("a.md", "https://example.org/home/a and ./work/b, registry of agents, homework/x")))
    none(style.machines(source("a.ts", 'import { TOOLS } from "./registry.ts"')))
  })
})

describe("the rules on files", () => {
  it("find a file that nothing imports or starts", () => {
    const files = [
      source("cli/main.ts", 'import "./a.ts"; spawn(node, ["worker.ts"])'),
      source("cli/a.ts", ""),
      source("test/support/worker.ts", ""),
      source("cli/b.ts", ""),
      source("setup/c.mjs", ""),
      source("package.json", '"start": "node setup/c.mjs"'),
      source("README.md", "cli/b.ts")
    ]
    assert.deepStrictEqual(style.deadFiles(files), ["cli/b.ts: nothing imports or starts it"])
  })

  it("find a link that leads nowhere", () => {
    const page = source(
      "docs/A.md",
      "# One thing\n[a](../b.md) [b](#one-thing) [c](#two) [d](https://example.org/x)\n`[e](f.md)`"
    )
    const complaints = style.links([page], () => false)
    assert.deepStrictEqual(complaints, [
      "docs/A.md: ../b.md does not exist",
      "docs/A.md: #one-thing does not exist",
      "docs/A.md: #two does not exist"
    ])
    assert.deepStrictEqual(
      style.links([page], () => true),
      ["docs/A.md: #two has no such heading"]
    )
  })
})
