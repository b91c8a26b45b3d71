import { resolve } from 'node:path';
import ts from 'typescript';

/** What the TypeScript compiler says about sources that exist in memory only, beside the packages that are installed. */

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  types: [],
};

/** A folder that exists, from which installed packages are found. */
const FOLDER = resolve('test');

/** What every program reads, parsed once. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** File name → source. Answers `name:line message`, in order; empty when all of it compiles under `strict`. */
export function typeFaults(sources: Readonly<Record<string, string>>): readonly string[] {
  const own = new Map(Object.entries(sources).map(([name, text]) => [resolve(FOLDER, name), text]));
  const host = ts.createCompilerHost(OPTIONS);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => own.has(path) || fileExists.call(host, path);
  host.readFile = (path) => own.get(path) ?? readFile.call(host, path);
  host.getSourceFile = (path, options) => {
    const text = own.get(path);
    if (text !== undefined) return ts.createSourceFile(path, text, options);
    if (!parsed.has(path)) parsed.set(path, getSourceFile.call(host, path, options));
    return parsed.get(path);
  };
  const program = ts.createProgram([...own.keys()], OPTIONS, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const message = ts.flattenDiagnosticMessageText(messageText, ' ');
    if (!file) return message;
    return `${file.fileName.slice(FOLDER.length + 1)}:${file.getLineAndCharacterOfPosition(start ?? 0).line + 1} ${message}`;
  });
}

/** The exports of a source that imports types and these modules, by their names. */
export function runSource<T>(source: string, modules: Readonly<Record<string, unknown>>): T {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, esModuleInterop: true },
  });
  const exported = {};
  new Function('exports', 'require', outputText)(exported, (name: string) => modules[name]);
  return exported as T;
}

/** For sources that assert types: `const _: Same<A, B> = true` compiles if A and B are one type. */
export const SAME =
  'export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;\n';
