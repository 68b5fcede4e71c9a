// The packages as tarballs, installed into an empty folder outside of the checkout, and used there by their names alone.
import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { afterAll, assert, beforeAll, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { ROOT, readManifests } from "../../packages/build/manifest.ts"
import { tarballOf } from "../../packages/build/pack.ts"
import { freePorts } from "../support/free-ports.ts"
import { type Outside, outside } from "../support/installing.ts"
import { NatsServer } from "../support/nats.ts"

const MINUTE = 60_000
const CLIENT_BYTES_MAX = 15 * 1_024

/** What the tests look at the packages with; nothing of them is in the checkout. */
const TOOLS = [
  ...["@types/node@22.20.5", "fast-check@4.10.2", "typescript@7.0.2", "typescript-5.9@npm:typescript@5.9.3"],
  ...["esbuild@0.28.2", "publint@0.3.25", "@arethetypeswrong/cli@0.18.5"]
]

const manifests = readManifests()
const dist = join(ROOT, "dist")
const tarballs = manifests.map((manifest) => join(dist, tarballOf(manifest)))
const folder = mkdtempSync(join(tmpdir(), "conclave-packages-"))
let there: Outside
let weighed = ""

beforeAll(() => {
  const packed = spawnSync(process.execPath, ["packages/build/main.ts", "--pack"], { cwd: ROOT, encoding: "utf8" })
  assert.strictEqual(packed.status, 0, packed.stderr)
  weighed = packed.stdout
  there = outside(folder)
  there.write("package.json", '{ "private": true, "type": "module" }')
  there.run(["npm", "install", "--no-audit", "--no-fund", ...tarballs, ...TOOLS])
}, 16 * MINUTE)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The first program of a guide, with packages in place of the checkout's folders. */
const exampleOf = (guide: string): string => {
  const [, code = ""] = /```ts\n(.*?)```/s.exec(readFileSync(join(ROOT, guide), "utf8")) ?? []
  return code
    .replaceAll('"./runtime/index.ts"', '"@conclave/runtime"')
    .replaceAll('"./runtime/nats/index.ts"', '"@conclave/runtime/nats"')
    .replaceAll('"./sim/index.ts"', '"@conclave/simulation"')
}

const lastLine = (text: string) => text.trim().split("\n").at(-1)

describe("the tarballs", () => {
  it("weigh what npm run pack says, and hold nothing of tests, no key and no host of a registry", () => {
    console.log(weighed)
    assert.strictEqual(weighed.match(/\d+ MiB in \d+ packages/g)?.length, manifests.length)
    const held = tarballs.flatMap((file) => there.run(["tar", "-tzf", file]).trim().split("\n"))
    assert.isAbove(held.length, 500)
    const wrong = held.filter((path) => /\.(pem|key|env)$|\.test\.ts$|package\/(lib|src)\/(test|bench)\//.test(path))
    assert.deepStrictEqual(wrong, ["package/lib/packages/conclave/template/test/streak.test.ts"])
    for (const { folder } of manifests) {
      const text = readFileSync(join(dist, folder, "package.json"), "utf8")
      assert.match(text, /"license": "MIT"/)
      assert.notMatch(text, /registry|\/tmp|"\d+\.\d+\.\d+"(?!,\n {2}"description")/)
    }
  })

  it("are what publint and are-the-types-wrong want of a package", () => {
    for (const { name, folder, entries } of manifests) {
      there.run(["npx", "publint", "run", "--strict", join(dist, folder)])
      if (Object.keys(entries).length === 0) continue
      const tarball = tarballs[manifests.findIndex((each) => each.name === name)]!
      there.run(["npx", "attw", "--profile", "esm-only", tarball])
    }
  })

  it("bring to a user of the runtime no Node, no models, no web server and no charts", () => {
    const runtime = weighed.split("\n").find((line) => line.startsWith("conclave-runtime"))
    assert.isAtMost(Number(/in (\d+) packages/.exec(runtime ?? "")?.[1]), 12)
    const installed = readdirSync(join(there.folder, "node_modules"))
    assert.isFalse(installed.some((name) => name.startsWith("node-linux")))
  })
})

describe("the types", () => {
  it("compile with TypeScript 5.9 and 7, strict and with every library checked, under both resolutions", () => {
    const names = manifests.flatMap(({ name, entries }) => Object.keys(entries).map((at) => `${name}${at.slice(1)}`))
    const used = names.filter((name) => !name.endsWith("-thread"))
    const imports = used.map((name, index) => `import * as room${index} from "${name}"`).join("\n")
    there.write("all.ts", `${imports}\nconsole.log([${used.map((_, index) => `room${index}`)}].length)\n`)
    there.write("tally.ts", exampleOf("README.md"))
    there.write("stock.ts", exampleOf("docs/RUNTIME.md"))
    there.write("seat.ts", exampleOf("docs/SIMULATION.md"))
    const strict = ["--noEmit", "--strict", "--skipLibCheck", "false", "--types", "node", "--target", "es2024"]
    for (const compiler of ["typescript-5.9", "typescript"]) {
      for (const [module, resolution] of [
        ["nodenext", "nodenext"],
        ["preserve", "bundler"]
      ] as const) {
        const how = [...strict, "--module", module, "--moduleResolution", resolution]
        const libraries = ["--lib", "es2024,esnext.iterator,esnext.disposable,dom"]
        const files = ["all.ts", "tally.ts", "stock.ts", "seat.ts"]
        there.run(["node", `node_modules/${compiler}/bin/tsc`, ...how, ...libraries, ...files])
      }
    }
    assert.match(there.run(["node", "all.ts"]), new RegExp(`^${used.length}\n`))
  })
})

layer(NatsServer.layer, { excludeTestServices: true })("the runtime", (it) => {
  it.effect("runs the first examples of the guides as they stand, from one file of JavaScript, too", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      assert.deepStrictEqual(
        [1, 2].map(() => lastLine(there.run(["node", "tally.ts"], { env: { NATS_URL: url } }))),
        ["2", "4"]
      )
      assert.strictEqual(lastLine(there.run(["node", "stock.ts", url])), "3")
      assert.match(there.run(["node", "seat.ts"]), /50 runs, \d+ messages/)
      const bundle = ["npx", "esbuild", "--bundle", "--platform=node", "--format=esm", "--target=node22"]
      const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)"
      const thread = "watchdog-thread=@conclave/runtime/watchdog-thread"
      there.run([...bundle, `--banner:js=${banner}`, "tally.ts", thread, "--outdir=bundle"])
      const whole = there.run(["node", "bundle/tally.js"], { env: { NATS_URL: url } })
      assert.strictEqual(lastLine(whole), "6")
      assert.notInclude(whole, "Warning")
      rmSync(join(there.folder, "bundle", "watchdog-thread.js"))
      const alone = there.run(["node", "bundle/tally.js"], { env: { NATS_URL: url } })
      assert.match(alone, /^8$/m)
      assert.match(alone, /long decisions are not watched: Cannot find module/)
    })
  )
})

describe("the client", () => {
  it("is small in a bundle, and its modules import nothing but one another", () => {
    there.write("page.js", 'import { GatewayClient } from "@conclave/client"\nnew GatewayClient({ url: "ws://a" })\n')
    there.run(["npx", "esbuild", "--bundle", "--minify", "--format=esm", "page.js", "--outfile=page.min.js"])
    const bytes = gzipSync(readFileSync(join(there.folder, "page.min.js"))).length
    console.log(`the client's bundle has ${bytes} bytes, gzipped`)
    assert.isBelow(bytes, CLIENT_BYTES_MAX)
    const modules = join(there.folder, "node_modules/@conclave/client/lib/client")
    for (const name of readdirSync(modules).filter((each) => each.endsWith(".js"))) {
      const text = readFileSync(join(modules, name), "utf8")
      for (const [, from = ""] of text.matchAll(/from "([^"]+)"/g)) assert.match(from, /^\.\/[\w-]+\.js$/)
    }
  })
})

describe("the command", () => {
  it("says its version without a lock file, and analyses a file of prices", () => {
    assert.match(there.run(["npx", "conclave", "--version"]), /^conclave v\d+\.\d+\.\d+\n$/)
    const samples = join(there.folder, "node_modules/conclave/lib/samples")
    assert.isAbove(statSync(join(samples, "ACME.csv")).size, 10_000)
    const analyzed = there.run([
      ...["npx", "conclave", "analyze", "ACME", "--csv", join(samples, "ACME.csv"), "--at", "2023-05-10"]
    ])
    assert.match(analyzed, /^ACME: (BUY|SELL|HOLD) 0\.\d\d .*by consensus/)
    const page = there.run(["npx", "conclave", "test-agents", "--runs", "1", "--html", "agents.html"])
    assert.notInclude(page, "conclave:")
    assert.include(readFileSync(join(there.folder, "agents.html"), "utf8"), "--paper")
  })

  it("is imported as a program's front door, with plain promises", () => {
    const program = `import { AgentSystem } from "conclave"
const system = await AgentSystem.initialize({ temporary: true })
console.log(Object.keys(await system.getSystemStatus()).join())
await system.shutdown()`
    there.write("system.mjs", program)
    assert.include(there.run(["node", "system.mjs"]), "component_health,performance_summary")
  })

  it.live("makes a project that compiles, passes its tests, and decides with an agent of its own", () =>
    Effect.gen(function* () {
      const [port = 0] = yield* freePorts(1)
      const begun = Date.now()
      there.run(["npx", "conclave", "init", "my-system", "--packages", dist])
      const at = { at: "my-system" }
      there.run(["npm", "install", "--no-audit", "--no-fund"], at)
      assert.match(there.run(["npm", "test"], at), /pass 2/)
      there.run(["npm", "run", "types"], at)
      for (const how of [[], ["--module", "preserve", "--moduleResolution", "bundler"]]) {
        there.run(["node", "../node_modules/typescript-5.9/bin/tsc", "-p", ".", ...how], at)
        there.run(["node", "../node_modules/typescript/bin/tsc", "-p", ".", ...how], at)
      }
      const started = there.run(["timeout", "--signal=INT", "25", "npm", "start"], {
        ...at,
        env: { PORT: String(port) },
        code: 124
      })
      console.log(
        `${started.match(/^contrarian .*$/m)?.[0]}: ${Math.round((Date.now() - begun) / 1_000)} s after conclave init`
      )
      assert.match(started, /contrarian {2}ACME {2}(BUY|SELL|HOLD) \d+ times in a row; it votes \w+; together \w+/)
    })
  )
})
