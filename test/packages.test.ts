// What packages/ says of each package, held to what the sources import. Built and installed they are in test/long/packages.test.ts.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { VERSION } from "../cli/version.ts"
import { dependencyFaults } from "../packages/build/check.ts"
import { type Manifest, ownerOf, ROOT, readManifests, readRoot } from "../packages/build/manifest.ts"
import { reach } from "../packages/build/modules.ts"

const manifests = readManifests()
const { version, dependencies } = readRoot()
const reached = new Map(manifests.map((manifest) => [manifest.name, reach(manifest, manifests)]))
const named = (name: string): Manifest => manifests.find((each) => each.name === name)!
const faultsOf = (manifest: Manifest) =>
  dependencyFaults(manifest, reached.get(manifest.name)!, manifests, dependencies)

const json = (file: string) => JSON.parse(readFileSync(join(ROOT, file), "utf8"))

describe("the manifests of the packages", () => {
  it("name every dependency that the sources import, and none that they do not", () => {
    assert.deepStrictEqual(manifests.flatMap(faultsOf), [])
  })

  it("are refused where one is missing, too many, or without a version", () => {
    const runtime = named("@conclave/runtime")
    const without = { ...runtime, dependencies: runtime.dependencies.filter((name) => name !== "@nats-io/kv") }
    assert.deepStrictEqual(faultsOf(without), ["packages/runtime/manifest.json: @nats-io/kv is imported and not named"])
    const more = { ...runtime, dependencies: [...runtime.dependencies, "left-pad"] }
    assert.deepStrictEqual(faultsOf(more), [
      "packages/runtime/manifest.json: left-pad is named and not imported",
      "packages/runtime/manifest.json: left-pad has no version in package.json"
    ])
  })

  it("let nobody import of another package what is no entry of it", () => {
    const { "./nats": _, ...entries } = named("@conclave/runtime").entries
    const fewer = manifests.map((each) => (each.name === "@conclave/runtime" ? { ...each, entries } : each))
    const command = fewer.find(({ name }) => name === "conclave")!
    assert.throws(
      () => reach(command, fewer),
      /imports runtime\/nats\/index\.ts, which is no entry of @conclave\/runtime/
    )
    const others = manifests.filter(({ name }) => name !== "@conclave/protocols")
    assert.throws(
      () => reach(named("@conclave/agents"), others),
      /imports protocols\/index\.ts, which is in no package/
    )
  })

  it("keep from each what is not its business", () => {
    const packagesOf = (name: string): ReadonlySet<string> => {
      const { dependencies, peerDependencies } = named(name)
      const ours = dependencies.filter((each) => manifests.some((manifest) => manifest.name === each))
      return new Set([...dependencies, ...peerDependencies, ...ours.flatMap((each) => [...packagesOf(each)])])
    }
    const runtime = packagesOf("@conclave/runtime")
    for (const name of ["ai", "uWebSockets.js", "uplot", "pino"]) assert.isFalse(runtime.has(name), name)
    assert.deepStrictEqual([...packagesOf("@conclave/client")].toSorted(), ["@conclave/protocols", "effect"])
    for (const { name, modules } of manifests.map((each) => ({ ...each, ...reached.get(each.name)! }))) {
      for (const path of modules) {
        assert.notMatch(path, /(^|\/)test\//, name)
        assert.strictEqual(ownerOf(manifests, path)?.name, name)
      }
    }
  })

  it("have effect and fast-check as peers, wherever they are used", () => {
    for (const { name, dependencies: others } of manifests) {
      assert.notIncludeMembers([...others], ["effect"], name)
      assert.notIncludeMembers([...others], ["fast-check"], name)
    }
  })
})

describe("the template of a project", () => {
  it("asks for the versions that this is tested with", () => {
    const project = json("packages/conclave/template/package.json")
    const root = json("package.json")
    const wanted = { ...project.dependencies, ...project.devDependencies }
    const ours = manifests.map(({ name }) => [name, version])
    const tested = { ...root.devDependencies, ...root.dependencies, ...Object.fromEntries(ours) }
    for (const [name, range] of Object.entries(wanted)) assert.strictEqual(range, `^${tested[name]}`, name)
  })

  it("and the command have one version", () => assert.strictEqual(VERSION, version))
})
