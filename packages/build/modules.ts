// What a module refers to, and where in its text that stands.
import { existsSync, readFileSync } from "node:fs"
import { join, posix } from "node:path"
import { parseAst } from "rolldown/parseAst"
import { type Manifest, ownerOf, ROOT, specifierOf } from "./manifest.ts"

/** A place where a module names another file or package. */
export interface Reference {
  readonly specifier: string
  /** Of the text between the quotes. */
  readonly start: number
  readonly end: number
  /** By `new URL(…, import.meta.url)`: a file that is started or read, and not imported. */
  readonly byAddress: boolean
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

const IMPORTS = new Set([
  "ImportDeclaration",
  "ExportAllDeclaration",
  "ExportNamedDeclaration",
  "ImportExpression",
  "TSImportType"
])

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value

/** Every reference of a module's text, in order. `path` says by its ending which language it is in. */
export const referencesOf = (path: string, text: string): ReadonlyArray<Reference> => {
  const lang = /\.d\.m?ts$/.test(path) ? "dts" : path.endsWith(".ts") ? "ts" : "js"
  const found: Array<Reference> = []
  const take = (literal: unknown, byAddress: boolean): void => {
    if (!isNode(literal) || literal.type !== "Literal" || typeof literal.value !== "string") return
    found.push({ specifier: literal.value, start: literal.start + 1, end: literal.end - 1, byAddress })
  }
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit)
    if (!isNode(value)) return
    if (IMPORTS.has(value.type)) take(value.source, false)
    if (value.type === "NewExpression" && text.slice(value.start, value.end).startsWith("new URL(")) {
      const [file, base] = Array.isArray(value.arguments) ? value.arguments : []
      if (isNode(base) && text.slice(base.start, base.end) === "import.meta.url") take(file, true)
    }
    Object.values(value).forEach(visit)
  }
  visit(parseAst(text, { lang }, path))
  return found.toSorted((one, other) => one.start - other.start)
}

/** The file that a relative specifier leads to, from the root; nothing for a package. */
export const fileOf = (from: string, specifier: string): string | undefined =>
  specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : undefined

const isModule = (file: string): boolean => /\.(ts|mts|mjs)$/.test(file)

/** The name of the package that a specifier leads to: `a` of `a/b`, `@a/b` of `@a/b/c`. */
export const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

export interface Reached {
  /** The modules that a package is made of, from the root of the checkout. */
  readonly modules: ReadonlyArray<string>
  /** The packages that they import, ours among them, types included. */
  readonly packages: ReadonlySet<string>
}

/**
 * What the entries of a package reach, as long as it stays in the package's rooms.
 *
 * Throws for an import of a file of no package, or of one that its package does not offer.
 */
export const reach = (manifest: Manifest, manifests: ReadonlyArray<Manifest>): Reached => {
  const modules = new Set<string>()
  const packages = new Set<string>()
  const leave = (from: string, file: string): void => {
    const owner = ownerOf(manifests, file)
    if (owner === undefined) throw new Error(`${from} imports ${file}, which is in no package: see packages/`)
    const specifier = specifierOf(owner, file)
    if (specifier === undefined) throw new Error(`${from} imports ${file}, which is no entry of ${owner.name}`)
    packages.add(owner.name)
  }
  const visit = (path: string): void => {
    if (modules.has(path)) return
    modules.add(path)
    for (const { specifier, byAddress } of referencesOf(path, readFileSync(join(ROOT, path), "utf8"))) {
      const file = fileOf(path, specifier) ?? (byAddress ? fileOf(path, `./${specifier}`) : undefined)
      if (file === undefined) {
        if (!specifier.startsWith("node:")) packages.add(packageOf(specifier))
      } else if (!isModule(file)) continue
      else if (ownerOf(manifests, file) === manifest) visit(file)
      else leave(path, file)
    }
    const types = path.replace(/\.mjs$/, ".d.mts")
    if (types !== path && existsSync(join(ROOT, types))) modules.add(types)
  }
  for (const entry of [...Object.values(manifest.entries), ...Object.values(manifest.bin ?? {})]) visit(entry)
  return { modules: [...modules].toSorted(), packages }
}
