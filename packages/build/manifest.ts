// What packages there are, and what each is made of.
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Schema } from "effect"

/** The folder of the checkout. */
export const ROOT = join(import.meta.dirname, "..", "..")

const Names = Schema.Array(Schema.NonEmptyString)

/** `packages/<folder>/manifest.json`. Files are named from the root of the checkout. */
const ManifestFile = Schema.Struct({
  name: Schema.NonEmptyString,
  description: Schema.NonEmptyString,
  /** The folders of the checkout whose files may be part of it. Those are that its entries reach. */
  rooms: Names,
  /** What can be imported of it: the file of each subpath. */
  entries: Schema.Record(Schema.String, Schema.NonEmptyString),
  /** Its commands. */
  bin: Schema.optionalKey(Schema.Record(Schema.String, Schema.NonEmptyString)),
  dependencies: Names,
  /** Dependencies that no import shows, and what for. */
  besides: Schema.optionalKey(Schema.Record(Schema.String, Schema.NonEmptyString)),
  peerDependencies: Names,
  /** Packages whose modules it hands out as they are, and does not run. */
  served: Schema.optionalKey(Names),
  /** Files and folders that are no code. */
  assets: Schema.optionalKey(Names),
  /** The range of Node that it is known to run on. */
  node: Schema.NonEmptyString,
  /** Whether importing does something, or which files do. */
  sideEffects: Schema.Union([Schema.Boolean, Names])
})

export interface Manifest extends Schema.Schema.Type<typeof ManifestFile> {
  /** Its folder under `packages/` and, once it is built, under `dist/`. */
  readonly folder: string
}

const RootFile = Schema.Struct({
  version: Schema.NonEmptyString,
  license: Schema.NonEmptyString,
  dependencies: Schema.Record(Schema.String, Schema.String)
})

const read = <A>(schema: Schema.Codec<A>, file: string): A => {
  try {
    return Schema.decodeUnknownSync(schema, { onExcessProperty: "error" })(JSON.parse(readFileSync(file, "utf8")))
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Every package, those first that others stand on. Throws where a manifest is no manifest. */
export const readManifests = (): ReadonlyArray<Manifest> => {
  const folders = readdirSync(join(ROOT, "packages")).filter((name) =>
    existsSync(join(ROOT, "packages", name, "manifest.json"))
  )
  const found = folders.map((folder) => ({
    ...read(ManifestFile, join(ROOT, "packages", folder, "manifest.json")),
    folder
  }))
  const ordered: Array<Manifest> = []
  const add = (manifest: Manifest): void => {
    if (ordered.includes(manifest)) return
    for (const other of found) if (manifest.dependencies.includes(other.name)) add(other)
    ordered.push(manifest)
  }
  for (const manifest of found) add(manifest)
  return ordered
}

/** What all packages share: version and licence, and the versions of what they depend on, each of which stands in package.json once. */
export const readRoot = (): Schema.Schema.Type<typeof RootFile> => {
  const { version, license, dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))
  return Schema.decodeUnknownSync(RootFile)({ version, license, dependencies })
}

/** What a package's file is imported by from other packages; nothing where it is no entry. */
export const specifierOf = ({ name, entries }: Manifest, file: string): string | undefined => {
  const subpath = Object.keys(entries).find((each) => entries[each] === file)
  return subpath === undefined ? undefined : `${name}${subpath.slice(1)}`
}

/** The package of which a file may be a part. */
export const ownerOf = (manifests: ReadonlyArray<Manifest>, file: string): Manifest | undefined =>
  manifests.find(({ rooms }) => rooms.some((room) => file.startsWith(`${room}/`)))
