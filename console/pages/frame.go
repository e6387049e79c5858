package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/assaylab/assay"
)

//go:embed web
var web embed.FS

// frame turns views into HTML.
type frame struct {
	version string // of the program
	build   string // of what is under /static, for addresses that may be cached for ever
	static  fs.FS
	sets    map[string]*template.Template // by page
}

// page is what the frame around every page needs.
type page struct {
	Title   string
	Section string // of the navigation: the address of its link
	Live    string // the event that makes it out of date; "" if none
	Outage  string // why no trials can be kept; "" while they can
	Body    any

	Version, Static string // of the program, and where its static files are; show knows them
}

// link is one of the navigation.
type link struct{ Name, Address string }

// Sections are those that every page leads to.
func (page) Sections() []link {
	return []link{{"Overview", "/"}, {"Functions", "/functions"}, {"Rules", "/rules"}, {"Rollouts", "/rollouts"}, {"Health", "/health"}}
}

// shared are the templates that every page is made with; each other one is a page.
var shared = []string{"web/templates/frame.html", "web/templates/parts.html", "web/templates/parts/*.html"}

func loadFrame(version string) (*frame, error) {
	f := &frame{version: version, sets: map[string]*template.Template{}}
	var err error
	if f.static, err = fs.Sub(web, "web/static"); err != nil {
		return nil, err
	}
	if f.build, err = digest(f.static); err != nil {
		return nil, err
	}
	files, err := fs.Glob(web, "web/templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		set := template.New("frame.html").Funcs(words)
		if f.sets[name], err = set.ParseFS(web, append(shared, file)...); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// digest is short, and another one whenever a file changes.
func digest(files fs.FS) (string, error) {
	hash := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		hash.Write([]byte(name))
		hash.Write(content)
		return err
	})
	return hex.EncodeToString(hash.Sum(nil))[:12], err
}

// words are the functions that templates call.
var words = template.FuncMap{
	"count": count, "signed": signed, "millis": millis, "percent": percent, "exact": exactPercent, "ratio": ratio, "estimate": func(v *float64) string { return ratio(*v) }, "bytes": bytesText, "duration": durationText,
	"clock": clock, "machine": machineTime, "short": short, "plural": plural, "path": pathTo,
	"stage": func(s assay.Stage) string { return strings.ReplaceAll(string(s), "_", " ") },
	"text":  func(b []byte) string { return string(bytes.ToValidUTF8(b, []byte("�"))) },
	"first": func(text string) string { line, _, _ := strings.Cut(text, "\n"); return line },
	"prose": func(text string) string { return strings.ReplaceAll(text, " %", "\u00a0%") }, // a number keeps its unit
	"times": times,
	"chart": chart,
	"query": url.QueryEscape,
	"rows":  func(text string) int { return min(strings.Count(text, "\n")+2, 40) },
	"day":   func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
}

// show renders the named page whole before any of it is sent.
func (f *frame) show(w http.ResponseWriter, status int, name string, data page) error {
	data.Version, data.Static = f.version, "/static/"+f.build+"/"
	var out bytes.Buffer
	if err := f.sets[name].Execute(&out, data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the caller may have gone
	return nil
}

// asset serves style and scripts. The address changes with what is there, so that modules may name each
// other by where they stand, and all may be cached for ever.
func (f *frame) asset(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("build") == f.build {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeFileFS(w, r, f.static, r.PathValue("file"))
}

// chartView is a figure that its script draws, or shows as a table.
type chartView struct{ ID, Address, Title, Note string }

// chart is drawn of what the API answers at an address; its id names it in the page's address.
func chart(id, address, title, note string) chartView { return chartView{id, address, title, note} }
