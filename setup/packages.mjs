// Brings node_modules to what package-lock.json says, and with it our own Node.
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { folderError, run, SetupError, say } from "./say.mjs"

const NODE_OLDEST = [22, 19]
const LINES_SHOWN = 12

/** Where npm scripts find the Node that came with the packages. There is none where no package has one for the machine. */
const packagedNode = (root) => join(root, "node_modules", ".bin", "node")

const hasPackagedNode = process.platform === "linux" && ["x64", "arm64"].includes(process.arch)

/**
 * Puts our Node where npm scripts find it, if npm did not.
 *
 * npm 10 first links the Node of this machine, then finds that the package for the other kind of machine does not fit,
 * and removes what that one would have had: the same link.
 */
const linkPackagedNode = (root) => {
  const target = join(`node-linux-${process.arch}`, "bin", "node")
  if (!hasPackagedNode || existsSync(packagedNode(root)) || !existsSync(join(root, "node_modules", target))) return
  mkdirSync(dirname(packagedNode(root)), { recursive: true })
  rmSync(packagedNode(root), { force: true })
  symlinkSync(join("..", target), packagedNode(root))
}

const readPackages = (path) => {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages ?? {}
  } catch {
    return undefined
  }
}

/**
 * Whether node_modules holds what the lockfile says, by the record that npm itself writes there when it is done.
 *
 * Optional packages may be missing, for they depend on the machine; our Node may not, where there is one.
 */
export const packagesReady = (root) => {
  const wanted = readPackages(join(root, "package-lock.json"))
  const present = readPackages(join(root, "node_modules", ".package-lock.json"))
  if (wanted === undefined) throw new SetupError(`The file ${join(root, "package-lock.json")} is missing or damaged.`)
  if (present === undefined || (hasPackagedNode && !existsSync(packagedNode(root)))) return false
  return Object.entries(wanted).every(([place, entry]) => {
    const found = present[place]
    if (place === "") return true
    if (found === undefined) return entry.optional === true || entry.devOptional === true
    return found.version === entry.version && found.integrity === entry.integrity
  })
}

// What the npm that runs us has set for its own command and would change what our `npm ci` installs, where, or what it says.
const OWN_COMMAND =
  /^npm_(package_|lifecycle_|command$|config_(global|location|omit|include|only|also|production|dev|optional|workspace|prefix$|global_prefix$|local_prefix$|dry_run|package|call|json|loglevel|silent|quiet|ignore_scripts|install_|save|force|yes|node_options))/i

const npmEnvironment = (root) => {
  const kept = Object.entries(process.env).filter(([name]) => !OWN_COMMAND.test(name) && name !== "NODE_ENV")
  // npm replaces our Node while it works, so that it must not run on it.
  const path = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => folder !== join(root, "node_modules", ".bin"))
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter) }
}

/** The npm that runs us, or else the one on the PATH. */
const npmCommand = (root) => {
  const { npm_execpath: script = "", npm_node_execpath: node = "" } = process.env
  const ownFolder = join(root, "node_modules")
  const usable =
    /npm-cli\.c?js$/.test(script) && [script, node].every((file) => existsSync(file) && !file.startsWith(ownFolder))
  return usable ? [node, script] : ["npm"]
}

/** What npm says went wrong, without its manual, its stack and its empty lines. */
const reasons = (lines) => {
  const manual = lines.findIndex((line) => /^npm \S+ (Clean install a project|Usage:)/.test(line))
  const said = lines.slice(0, manual < 0 ? undefined : manual)
  return said.filter((line) => !/^npm \S+( {2,}.*| })?$/.test(line.trimEnd())).slice(-LINES_SHOWN)
}

const checkWritable = (root) => {
  try {
    accessSync(root, constants.W_OK)
  } catch (error) {
    throw folderError(root, error)
  }
}

/** Runs `npm ci`. Throws a `SetupError` when it fails, after npm's own last lines. */
export const installPackages = async (root) => {
  checkWritable(root)
  const [command, ...before] = npmCommand(root)
  const args = [...before, "ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"]
  const { code, signal, lines } = await run(command, args, { cwd: root, env: npmEnvironment(root) })
  if (code === 127) throw new SetupError("There is no npm on the PATH: install the npm that belongs to your Node.")
  if (signal) throw new SetupError(`npm ci was ended by ${signal}: start again.`)
  if (code !== 0) {
    const shown = reasons(lines)
    for (const line of shown) say(`  ${line}`)
    const denied = /\b(EACCES|EPERM|EROFS|ENOSPC)\b/.exec(shown.join("\n"))
    if (denied !== null && shown.some((line) => line.includes(root))) throw folderError(root, { code: denied[1] })
    throw new SetupError("The packages could not be installed with npm ci; its last lines are above.")
  }
  linkPackagedNode(root)
  await checkPackagedNode(root)
}

const checkPackagedNode = async (root) => {
  if (!existsSync(packagedNode(root))) return
  const { code } = await run(packagedNode(root), ["--version"])
  if (code !== 0)
    throw new SetupError("The Node of the packages does not run on this machine: it needs Linux with glibc 2.28.")
}

/** The Node to run our own code with: the packaged one, or this one if it is new enough. */
export const ownNode = (root) => {
  if (existsSync(packagedNode(root))) return packagedNode(root)
  const [major, minor] = process.versions.node.split(".").map(Number)
  if (major > NODE_OLDEST[0] || (major === NODE_OLDEST[0] && minor >= NODE_OLDEST[1])) return process.execPath
  const machine = `${process.platform} on ${process.arch}`
  throw new SetupError(
    `Node ${NODE_OLDEST.join(".")} or newer is needed and this is ${process.versions.node}: install it (the project brings its own only for Linux, not for ${machine}).`
  )
}
