// Lays out one package: what was emitted of its modules, their sources beside them, and its package.json.
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, posix } from "node:path"
import { type Manifest, ownerOf, ROOT, readRoot, specifierOf } from "./manifest.ts"
import { fileOf, type Reached, referencesOf } from "./modules.ts"

const RUNS_FROM = "lib"
const SOURCES = "src"

interface Place {
  readonly manifest: Manifest
  readonly manifests: ReadonlyArray<Manifest>
  /** Where TypeScript put what it emitted. */
  readonly emitted: string
  /** Where the package is laid out. */
  readonly target: string
}

const write = (file: string, text: string): void => {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

const asJavaScript = (file: string): string => file.replace(/(?<!\.d)\.ts$/, ".js")
const asSource = (file: string): string => file.replace(/\.js$/, ".ts")

/** The entry of a package that gives what is in one of its files; only types are imported so deep, as the compiler writes them out. */
const entryAbove = (owner: Manifest, file: string): string => {
  const folders = Object.values(owner.entries)
    .filter((entry) => file.startsWith(`${posix.dirname(entry)}/`))
    .toSorted((one, other) => other.length - one.length)
  return specifierOf(owner, folders[0] ?? "") ?? owner.name
}

/** A module's text with the names of files that a package has, and of packages where it leaves its own. */
const rewritten = ({ manifest, manifests }: Place, path: string, text: string): string => {
  let result = ""
  let from = 0
  for (const { specifier, start, end, byAddress } of referencesOf(path, text)) {
    const file = fileOf(path, specifier)
    const owner = file === undefined ? undefined : ownerOf(manifests, asSource(file))
    if (file === undefined && !byAddress) continue
    const leaves = owner !== undefined && owner !== manifest && !byAddress
    const named = leaves
      ? (specifierOf(owner, asSource(file!)) ?? entryAbove(owner, asSource(file!)))
      : asJavaScript(specifier)
    result += text.slice(from, start) + named
    from = end
  }
  return result + text.slice(from)
}

/** A source map that finds its source in the package. */
const remapped = (text: string, path: string): string => {
  const map: { sources: ReadonlyArray<string> } = JSON.parse(text)
  const toSource = posix.relative(`${RUNS_FROM}/${posix.dirname(path)}`, `${SOURCES}/${path}`)
  return JSON.stringify({ ...map, sources: [toSource] })
}

const copyEmitted = (place: Place, path: string): void => {
  const base = path.replace(/\.ts$/, "")
  for (const ending of ["js", "d.ts"]) {
    const text = readFileSync(join(place.emitted, `${base}.${ending}`), "utf8")
    const map = readFileSync(join(place.emitted, `${base}.${ending}.map`), "utf8")
    write(join(place.target, RUNS_FROM, `${base}.${ending}`), rewritten(place, `${base}.${ending}`, text))
    write(join(place.target, RUNS_FROM, `${base}.${ending}.map`), remapped(map, path))
  }
  write(join(place.target, SOURCES, path), readFileSync(join(ROOT, path), "utf8"))
}

const copyModule = (place: Place, path: string): void => {
  if (path.endsWith(".ts")) return copyEmitted(place, path)
  const target = join(place.target, RUNS_FROM, path)
  write(target, rewritten(place, path, readFileSync(join(ROOT, path), "utf8")))
  if (Object.values(place.manifest.bin ?? {}).includes(path)) chmodSync(target, 0o755)
}

const ranged = (version: string): string => version.replace(/(^|@)(?=\d)/, "$1^")

const packageJson = ({ manifest, manifests }: Place) => {
  const root = readRoot()
  const built = (file: string) => `./${RUNS_FROM}/${asJavaScript(file)}`
  const versionOf = (name: string) =>
    `${manifests.some((each) => each.name === name) ? `^${root.version}` : ranged(root.dependencies[name] ?? "")}`
  const versions = (names: ReadonlyArray<string>) => Object.fromEntries(names.map((name) => [name, versionOf(name)]))
  const entries = Object.entries(manifest.entries).map(([subpath, file]) => [
    subpath,
    { types: built(file).replace(/\.js$/, ".d.ts"), default: built(file) }
  ])
  return {
    name: manifest.name,
    version: root.version,
    description: manifest.description,
    license: root.license,
    type: "module",
    engines: { node: manifest.node },
    exports: { ...Object.fromEntries(entries), "./package.json": "./package.json" },
    ...(manifest.bin === undefined
      ? {}
      : { bin: Object.fromEntries(Object.entries(manifest.bin).map(([name, file]) => [name, built(file).slice(2)])) }),
    files: [RUNS_FROM, SOURCES],
    sideEffects: typeof manifest.sideEffects === "boolean" ? manifest.sideEffects : manifest.sideEffects.map(built),
    dependencies: versions([...manifest.dependencies, ...Object.keys(manifest.besides ?? {})]),
    peerDependencies: versions(manifest.peerDependencies)
  }
}

/** Puts a package into its folder under `dist/`, ready to be packed. */
export const layOut = (place: Place, { modules }: Reached, served: ReadonlyArray<string>): void => {
  const { manifest, target } = place
  for (const path of modules) copyModule(place, path)
  for (const path of served) {
    const file = asJavaScript(path)
    // It is handed out and has no map and no types beside it.
    const text = readFileSync(join(place.emitted, file), "utf8").replace(/\n?\/\/# sourceMappingURL=.*$/, "\n")
    write(join(target, RUNS_FROM, file), text)
  }
  for (const asset of manifest.assets ?? [])
    cpSync(join(ROOT, asset), join(target, RUNS_FROM, asset), { recursive: true })
  const readme = join(ROOT, "packages", manifest.folder, "README.md")
  if (!existsSync(readme)) throw new Error(`packages/${manifest.folder} has no README.md`)
  cpSync(readme, join(target, "README.md"))
  cpSync(join(ROOT, "LICENSE"), join(target, "LICENSE"))
  write(join(target, "package.json"), `${JSON.stringify(packageJson(place), null, 2)}\n`)
}
