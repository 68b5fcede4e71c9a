// Loaded before the command. Node strips the types of every source file at every start, which takes longer than all else it
// does then: what was stripped once is kept, by its content, beside V8's code of it. Where nothing can be written, nothing is kept.
import { createHash, randomUUID } from "node:crypto"
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { enableCompileCache, registerHooks, stripTypeScriptTypes } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { ROOT } from "./nats-server.mjs"

const KEPT = process.env.NODE_COMPILE_CACHE ?? join(ROOT, ".cache", "compiled")
const STRIPPED = join(KEPT, "stripped")
const isOurs = (url) => url.startsWith("file:") && url.endsWith(".ts") && !url.includes("/node_modules/")

/** Node warns once a process that the function is young; what it does is what Node does with each file by itself. */
const strip = (text) => {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(text)
  } finally {
    process.emitWarning = emitWarning
  }
}

const keep = (file, text) => {
  try {
    mkdirSync(STRIPPED, { recursive: true })
    const written = `${file}.${randomUUID()}`
    writeFileSync(written, text)
    renameSync(written, file)
  } catch {
    // The next start strips it again.
  }
}

const stripped = (path) => {
  const text = readFileSync(path, "utf8")
  const file = join(STRIPPED, createHash("sha1").update(process.version).update(text).digest("hex"))
  try {
    return readFileSync(file, "utf8")
  } catch {
    const result = strip(text)
    keep(file, result)
    return result
  }
}

const load = (url, context, next) => {
  if (!isOurs(url)) return next(url, context)
  let source
  try {
    source = stripped(fileURLToPath(url))
  } catch {
    // Node says better what is wrong with a file.
    return next(url, context)
  }
  return { format: "module", source, shortCircuit: true }
}

enableCompileCache(KEPT)
registerHooks({ load })
