package code

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// file is one of a zip.
type file struct {
	name    string
	mode    fs.FileMode
	content string
}

func zipped(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		h.SetMode(f.mode)
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, f.content)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openStore(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s *Store, zip []byte) (Package, error) {
	t.Helper()
	defer s.Hold()()
	return s.Put(context.Background(), bytes.NewReader(zip), MaxZip)
}

// tree lists what is below a folder: names, modes, contents.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		info, err := e.Info()
		if err != nil {
			return err
		}
		what := ""
		switch {
		case e.Type() == fs.ModeSymlink:
			what, err = os.Readlink(path)
			what = "-> " + what
			lines = append(lines, rel+" "+what)
			return err
		case !e.IsDir():
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			what = " " + string(text)
		}
		lines = append(lines, fmt.Sprintf("%s %v%s", rel, info.Mode(), what))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func TestUnpacks(t *testing.T) {
	s := openStore(t, t.TempDir())
	z := zipped(t,
		file{"bootstrap", 0o755, "#!"}, file{"dir/", fs.ModeDir | 0o700, ""}, file{"dir/a.py", 0o600, "a"}, file{"./b/c/d", 0o400, "d"},
		file{"bin/node", fs.ModeSymlink | 0o777, "../lib/node.js"}, file{"lib/node.js", 0o4755, "n"}, file{"dangling", fs.ModeSymlink, "nowhere"},
	)
	p, err := put(t, s, z)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := s.Folder(context.Background(), p.Digest)
	if err != nil {
		t.Fatal(err)
	}
	want := `b drwxr-xr-x
b/c drwxr-xr-x
b/c/d -rw-r--r-- d
bin drwxr-xr-x
bin/node -> ../lib/node.js
bootstrap -rwxr-xr-x #!
dangling -> nowhere
dir drwxr-xr-x
dir/a.py -rw-r--r-- a
lib drwxr-xr-x
lib/node.js -rwxr-xr-x n`
	if got := tree(t, dir); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if p.Size != int64(len(z)) || p.Unzipped != 2+1+1+14+1+7 {
		t.Errorf("package %+v", p)
	}
	if SHA256(p.Digest) == "" {
		t.Error("no CodeSha256")
	}
}

func TestRefuses(t *testing.T) {
	long := strings.Repeat("x", maxLink+1)
	for name, c := range map[string]struct {
		zip []byte
		why string
	}{
		"nothing":        {nil, "not a valid zip"},
		"no zip":         {[]byte("PK\x03\x04 but not really"), "not a valid zip"},
		"no files":       {zipped(t), "it is empty"},
		"climbing":       {zipped(t, file{"../x", 0o644, ""}), `"../x" leads out`},
		"climbing later": {zipped(t, file{"a/../../x", 0o644, ""}), "leads out"},
		"absolute":       {zipped(t, file{"/etc/x", 0o644, ""}), `"/etc/x" leads out`},
		"backslashes":    {zipped(t, file{`..\x`, 0o644, ""}), "cannot be a file's name"},
		"device":         {zipped(t, file{"null", fs.ModeDevice | fs.ModeCharDevice | 0o666, ""}), "neither a file, a folder nor a link"},
		"pipe":           {zipped(t, file{"p", fs.ModeNamedPipe | 0o666, ""}), "neither a file, a folder nor a link"},
		"twice":          {zipped(t, file{"a", 0o644, "1"}, file{"./a", 0o644, "2"}), `"./a" comes twice`},
		"file as folder": {zipped(t, file{"a", 0o644, "1"}, file{"a/b", 0o644, "2"}), `"a/b" lies below a file or a link`},
		"folder as file": {zipped(t, file{"a/b", 0o644, "2"}, file{"a", 0o644, "1"}), `"a" comes twice`},
		"through a link": {zipped(t, file{"a", fs.ModeSymlink, "b"}, file{"a/x", 0o644, ""}), "lies below a file or a link"},
		"absolute link":  {zipped(t, file{"l", fs.ModeSymlink, "/etc/passwd"}), `the link "l" leads out`},
		"climbing link":  {zipped(t, file{"d/l", fs.ModeSymlink, "../../x"}), `the link "d/l" leads out`},
		"links together": {zipped(t, file{"d/e/up", fs.ModeSymlink, "../.."}, file{"out", fs.ModeSymlink, "d/e/up/.."}), "leads out"},
		"link to itself": {zipped(t, file{"l", fs.ModeSymlink, "l"}), "leads out"},
		"long link":      {zipped(t, file{"l", fs.ModeSymlink, long}), "is not a link"},
		"false checksum": {corrupt(zipped(t, file{"a", 0o644, strings.Repeat("abc", 100)})), "checksum"},
		"bytes cut off":  {zipped(t, file{"a", 0o644, "x"})[:60], "not a valid zip"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openStore(t, filepath.Join(dir, "store"))
			_, err := put(t, s, c.zip)
			var bad *BadZipError
			if !errors.As(err, &bad) || !strings.Contains(bad.Why, c.why) {
				t.Errorf("error %v, want %s", err, c.why)
			}
			nothingLeft(t, dir)
		})
	}
}

// corrupt changes the checksum that the list of entries has.
func corrupt(z []byte) []byte {
	at := bytes.Index(z, []byte("PK\x01\x02")) + 16
	binary.LittleEndian.PutUint32(z[at:], crc32.ChecksumIEEE(z))
	return z
}

// nothingLeft checks that a zip that was refused has left no file.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	for _, sub := range []string{"store/zips", "store/code", "store/tmp"} {
		if left, _ := os.ReadDir(filepath.Join(dir, sub)); len(left) > 0 {
			t.Errorf("left in %s: %v", sub, left)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left beside the store: %v", left)
	}
}

// bomb is a zip of a file of zeros, which says that it has said bytes.
func bomb(t testing.TB, size int64, said uint32) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("zeros")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	z.Close()
	text := b.Bytes()
	if said > 0 {
		binary.LittleEndian.PutUint32(text[bytes.Index(text, []byte("PK\x01\x02"))+24:], said)
	}
	return text
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestBombs(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, filepath.Join(dir, "store"))
	if _, err := put(t, s, bomb(t, MaxUnzipped+1, 0)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("an honest bomb: %v", err)
	}
	var bad *BadZipError
	if _, err := put(t, s, bomb(t, 64<<20, 10)); !errors.As(err, &bad) {
		t.Errorf("a bomb that says it is small: %v", err)
	}
	if _, err := s.Put(context.Background(), bytes.NewReader(make([]byte, 11)), 10); !errors.As(err, &bad) {
		t.Errorf("a large zip: %v", err)
	}
	nothingLeft(t, dir)
}

func TestSameZipIsKeptOnce(t *testing.T) {
	s := openStore(t, t.TempDir())
	z := zipped(t, file{"a", 0o644, "x"})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := put(t, s, z); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	p, _ := put(t, s, z)
	before, err := os.Stat(filepath.Join(s.dir, "code", p.Digest, "a"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, z)
	after, err := os.Stat(filepath.Join(s.dir, "code", p.Digest, "a"))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("it was unpacked again: %v", err)
	}
	if left, _ := os.ReadDir(s.path("tmp")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestSweep(t *testing.T) {
	s := openStore(t, t.TempDir())
	keep, _ := put(t, s, zipped(t, file{"a", 0o644, "keep"}))
	drop, _ := put(t, s, zipped(t, file{"a", 0o644, "drop"}))
	used := func() map[string]bool { return map[string]bool{keep.Digest: true} }
	release := s.Hold()
	if err := s.Sweep(used); err != nil || !s.Has(drop.Digest) {
		t.Errorf("swept while held: %v", err)
	}
	release()
	if err := s.Sweep(used); err != nil {
		t.Fatal(err)
	}
	if s.Has(drop.Digest) || !s.Has(keep.Digest) {
		t.Errorf("dropped %v, kept %v", !s.Has(drop.Digest), s.Has(keep.Digest))
	}
	if _, err := s.Folder(context.Background(), drop.Digest); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("folder of what is gone: %v", err)
	}
}

// TestFoldersAreMadeAnewAfterABoot: what a crash of the machine left of them is not trusted.
func TestFoldersAreMadeAnewAfterABoot(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	p, err := put(t, s, zipped(t, file{"a", 0o644, "whole"}))
	if err != nil {
		t.Fatal(err)
	}
	torn := filepath.Join(dir, "code", p.Digest, "a")
	if err := errors.Join(os.WriteFile(torn, nil, 0o644), os.WriteFile(filepath.Join(dir, "boot"), []byte("another"), 0o644)); err != nil {
		t.Fatal(err)
	}
	folder, err := openStore(t, dir).Folder(context.Background(), p.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(folder, "a")); string(text) != "whole" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func FuzzPut(f *testing.F) {
	f.Add(zipped(f, file{"a", 0o644, "x"}, file{"d/l", fs.ModeSymlink, "../a"}))
	f.Add(zipped(f, file{"../a", 0o644, "x"}))
	f.Add(zipped(f, file{"d/e/up", fs.ModeSymlink, "../.."}, file{"out", fs.ModeSymlink, "d/e/up/.."}))
	f.Add([]byte("PK\x05\x06"))
	dir := f.TempDir()
	store := filepath.Join(dir, "store")
	s, err := Open(store)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, z []byte) {
		defer s.Hold()()
		p, err := s.Put(context.Background(), bytes.NewReader(z), 1<<20)
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Fatalf("left beside the store: %v", left)
		}
		if err != nil {
			return
		}
		folder, err := s.Folder(context.Background(), p.Digest)
		if err != nil {
			t.Fatal(err)
		}
		filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
			if real, err := filepath.EvalSymlinks(path); err == nil && !strings.HasPrefix(real, s.dir) {
				t.Errorf("%s leads to %s", path, real)
			}
			return nil
		})
	})
}
