package laboratory

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare"
	"github.com/assaylab/assay/compare/command"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/own"
	"github.com/assaylab/assay/compare/pdf"
	"github.com/assaylab/assay/compare/protobuf"
	"github.com/assaylab/assay/compare/wasm"
	"github.com/assaylab/assay/lambda/code"
	"github.com/assaylab/assay/lambda/sandbox"
	"github.com/assaylab/assay/noise"
	"github.com/assaylab/assay/pack"
	"github.com/assaylab/assay/trial/redact"
)

// comparing is how many commands of users' own compare at once.
const comparing = 4

// bureau has the code that users compare with, as it was when a definition came into force.
type bureau struct {
	dir    string
	log    *slog.Logger
	packer *pack.Packer
	codes  *code.Store
	wasm   *wasm.Compiler

	mu    sync.Mutex
	bench *command.Bench   // opened when the first command needs it
	self  *command.Program // reads documents; opened when the first is to be read
}

func openBureau(dir string, packer *pack.Packer, log *slog.Logger) (*bureau, error) {
	b := &bureau{dir: filepath.Join(dir, "comparators"), log: log, packer: packer, wasm: wasm.New()}
	var err error
	if err = os.MkdirAll(filepath.Join(b.dir, "none"), 0o755); err != nil {
		return nil, err
	}
	if b.codes, err = code.Open(b.dir); err != nil {
		return nil, err
	}
	return b, b.codes.Sweep(func() map[string]bool { return nil }) // nothing is in use yet
}

// close ends what runs.
func (b *bureau) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wasm.Close()
	if b.bench == nil {
		return nil
	}
	return b.bench.Close()
}

func (b *bureau) open() (*command.Bench, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bench != nil {
		return b.bench, nil
	}
	host, err := sandbox.Open(sandbox.Options{Dir: filepath.Join(b.dir, "run"), Log: b.log})
	if err != nil {
		return nil, err
	}
	b.bench = command.Open(command.Options{Host: host, AtOnce: comparing})
	return b.bench, nil
}

// revise notes the revisions of code that comparators have. Code that cannot be read has none; building
// the comparator says why.
func (b *bureau) revise(specs []assay.ComparatorSpec) []assay.ComparatorSpec {
	all := slices.Clone(specs)
	for i, spec := range all {
		if sets := descriptorSets(spec); len(sets) > 0 {
			all[i].Revision = revisionOf(sets)
		}
		if spec.Code == "" {
			continue
		}
		if made, err := b.pack(spec); err == nil {
			all[i].Revision = made.CodeSHA256
		}
	}
	return all
}

func (b *bureau) pack(spec assay.ComparatorSpec) (pack.Package, error) {
	return b.packer.Pack(context.Background(), pack.Source{Name: spec.Name, Path: spec.Code})
}

// folder is the code of a comparator as it is now, in a folder that does not change any more.
func (b *bureau) folder(spec assay.ComparatorSpec) (string, error) {
	if spec.Code == "" {
		return filepath.Join(b.dir, "none"), nil
	}
	defer b.codes.Hold()()
	made, err := b.pack(spec)
	if err != nil {
		return "", err
	}
	if sum, err := base64.StdEncoding.DecodeString(made.CodeSHA256); err == nil && b.codes.Has(hex.EncodeToString(sum)) {
		return b.codes.Folder(context.Background(), hex.EncodeToString(sum))
	}
	zip, err := os.Open(made.Zip)
	if err != nil {
		return "", err
	}
	defer zip.Close()
	kept, err := b.codes.Put(context.Background(), zip, made.Size)
	if err != nil {
		return "", err
	}
	return b.codes.Folder(context.Background(), kept.Digest)
}

// known are the comparators that run users' own code, which see of observations what the store may keep, and the
// formats that need a system or a library.
func (b *bureau) known(r *redact.Redactor) compare.Extra {
	made := func(spec assay.ComparatorSpec, run own.Run) assay.Comparator {
		return &own.Comparator{Place: spec.Kind + ":" + spec.Name, Run: run, See: r.Observation, Decode: compare.Decode, Log: b.log}
	}
	build := func(run func(assay.ComparatorSpec, string) (own.Run, *assay.Flaw)) compare.Builder {
		return func(spec assay.ComparatorSpec) (assay.Comparator, []assay.Flaw) {
			folder, err := b.folder(spec)
			if err != nil {
				return nil, []assay.Flaw{*flawOf("code", err)}
			}
			does, flaw := run(spec, folder)
			if flaw != nil {
				return nil, []assay.Flaw{*flaw}
			}
			return made(spec, does), nil
		}
	}
	return compare.Extra{
		Kinds: map[string]compare.Builder{
			assay.CompareCommand: build(b.command),
			assay.CompareWasm:    build(b.module),
		},
		Formats: format.Formats{pdf.Format(b.pages), protobuf.Format(readDescriptors)},
	}
}

func (b *bureau) command(spec assay.ComparatorSpec, folder string) (own.Run, *assay.Flaw) {
	bench, err := b.open()
	if err != nil {
		return nil, flawOf("run", err)
	}
	program, flaw := bench.Program(spec, folder)
	if flaw != nil {
		return nil, flaw
	}
	return program.Run, nil
}

func (b *bureau) module(spec assay.ComparatorSpec, folder string) (own.Run, *assay.Flaw) {
	text, err := os.ReadFile(filepath.Join(folder, filepath.Base(spec.Code)))
	if err != nil {
		return nil, &assay.Flaw{Path: []string{"code"}, What: "the module cannot be read", Hint: "name the module's file itself"}
	}
	module, flaw := b.wasm.Compile(spec, text)
	if flaw != nil {
		return nil, flaw
	}
	return module.Run, nil
}

// comparator builds what compares the answers of an experiment's arms, under its rules. The flaws' paths
// are relative to the experiment.
func (b *bureau) comparator(e *assay.Experiment, r *redact.Redactor) (assay.Comparator, []assay.Flaw) {
	specs := e.Comparators
	if len(specs) == 0 {
		specs = compare.Defaults()
	}
	known := b.known(r)
	base, flaws := known.New(specs)
	for i := range flaws {
		flaws[i].Path = append([]string{"comparators"}, flaws[i].Path...)
	}
	if len(flaws) > 0 {
		return nil, flaws
	}
	ruled := noise.Excuse(base, e.Rules, func(paths []string) assay.Comparator {
		piled, found := known.New(noise.Unordered(specs, paths))
		for _, f := range found {
			f.Path = []string{"rules"}
			flaws = append(flaws, f)
		}
		return piled
	})
	return ruled, flaws
}
