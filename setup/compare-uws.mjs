// `npm run compare-uws -- FOLDER`: whether the uWebSockets.js of the packages is the official build. On the registry there is only a
// repack of it, pinned by its hash in package-lock.json. FOLDER holds the official binaries: a clone of the tag of the release, or its archive.
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { ROOT } from "./nats-server.mjs"
import { giveUp, SetupError } from "./say.mjs"

const packaged = join(ROOT, "node_modules", "uWebSockets.js", "dist", "bin")

const hashOf = (file) => createHash("sha256").update(readFileSync(file)).digest("hex")

const compare = (official, name) => {
  const ours = hashOf(join(packaged, name))
  const theirs = join(official, name)
  if (!existsSync(theirs)) return { name, ours, verdict: "not in that folder" }
  return { name, ours, verdict: hashOf(theirs) === ours ? "the same" : "ANOTHER" }
}

const main = ([folder]) => {
  if (folder === undefined || !existsSync(folder))
    throw new SetupError("Name the folder of an official build of uWebSockets.js.")
  const names = readdirSync(packaged).filter((name) => name.endsWith(".node"))
  const found = names.map((name) => compare(resolve(folder), name))
  for (const { name, ours, verdict } of found) console.log(`${ours}  ${name.padEnd(28)}  ${verdict}`)
  const bad = found.filter(({ verdict }) => verdict === "ANOTHER")
  const same = found.filter(({ verdict }) => verdict === "the same")
  if (bad.length > 0) throw new SetupError(`${bad.length} of ${names.length} binaries are not those of that build.`)
  if (same.length === 0) throw new SetupError("That folder holds none of these binaries.")
  console.log(`${same.length} of ${names.length} binaries are those of that build`)
}

try {
  main(process.argv.slice(2))
} catch (error) {
  giveUp(error)
}
