// Reads Parquet files as hyparquet gives them by default and dumps what it saw (the form is that of readers/tables.py).
// Standard input: a line for each file, its path, a tab, and where the dump goes. What fails is written to DUMP.error.
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { asyncBufferFromFile, parquetMetadataAsync, parquetRead, parquetSchema } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

const u32 = (n) => Buffer.from(Uint32Array.of(n).buffer)
const text = (s) => {
  const bytes = Buffer.from(s, 'utf8')
  return Buffer.concat([u32(bytes.length), bytes])
}
const kindOf = (value) => (value instanceof Date ? 'date' : typeof value)

// The type is that of the values: JavaScript has no other.
function dumpColumn(name, values) {
  const n = values.length
  const valid = Buffer.alloc(n)
  let kind = 'null'
  for (let i = 0; i < n; i++) {
    if (values[i] === null || values[i] === undefined) continue
    valid[i] = 1
    if (kind === 'null') kind = kindOf(values[i])
    else if (kind !== kindOf(values[i])) throw new Error(`${name}: ${kind} and ${kindOf(values[i])} in one column`)
  }
  const parts = [text(name), text(kind), valid]
  if (kind === 'string') {
    const strings = values.map((v) => Buffer.from(v ?? '', 'utf8'))
    parts.push(Buffer.from(Uint32Array.from(strings, (s) => s.length).buffer), Buffer.concat(strings))
  } else if (kind === 'number') {
    parts.push(Buffer.from(Float64Array.from(values, (v) => v ?? 0).buffer))
  } else {
    const number = { bigint: (v) => v, date: (v) => BigInt(v.getTime()) * 1000n }[kind]
    if (number === undefined && kind !== 'null') throw new Error(`${name}: unexpected ${kind}`)
    parts.push(Buffer.from(BigInt64Array.from(values, (v) => (v === null || v === undefined ? 0n : number(v))).buffer))
  }
  return Buffer.concat(parts)
}

async function dump(path) {
  const file = await asyncBufferFromFile(path)
  const metadata = await parquetMetadataAsync(file)
  const names = parquetSchema(metadata).children.map((c) => c.element.name)
  const nRows = Number(metadata.num_rows)
  const columns = new Map(names.map((name) => [name, new Array(nRows)]))
  if (columns.size !== names.length) throw new Error('two columns of one name')
  await parquetRead({
    file,
    metadata,
    compressors,
    onChunk({ columnName, columnData, rowStart, rowEnd }) {
      const values = columns.get(columnName)
      for (let row = rowStart; row < rowEnd; row++) values[row] = columnData[row - rowStart]
    },
  })
  const rows = Buffer.alloc(8)
  rows.writeBigUInt64LE(BigInt(nRows))
  return [u32(names.length), rows, ...names.map((name) => dumpColumn(name, columns.get(name)))]
}

for await (const line of createInterface({ input: process.stdin })) {
  const [path, out] = line.split('\t')
  try {
    await writeFile(out, Buffer.concat(await dump(path)))
  } catch (error) {
    await writeFile(`${out}.error`, String(error.stack))
  }
}
