package pages

import (
	"bytes"
	"image"
	_ "image/gif"  // what imageType tells apart
	_ "image/jpeg" // likewise
	_ "image/png"  // likewise
	"net/http"

	"github.com/assaylab/assay"
)

// maxPixels bounds the pictures that are decoded to draw their differences: 100 MB at four bytes each.
// It is as many as are compared.
const maxPixels = 25_000_000

// imageType is the media type of a body that is a picture a browser shows safely, else "". What the
// answer called itself does not count.
func imageType(body []byte) string {
	_, format, err := image.DecodeConfig(bytes.NewReader(body))
	if err != nil {
		return ""
	}
	return "image/" + format
}

// drawable tells whether a body is a picture that Pixels may decode.
func drawable(body []byte) bool {
	config, _, err := image.DecodeConfig(bytes.NewReader(body))
	return err == nil && config.Width*config.Height <= maxPixels
}

var errNoImage = &assay.Error{Code: assay.CodeNotFound, What: "no such picture"}

// image serves the picture that an arm answered.
func (p *Pages) image(w http.ResponseWriter, r *http.Request) error {
	t, err := p.opt.Store.Trial(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	o := observationOf(t, r.PathValue("arm"))
	if o == nil {
		return errNoImage
	}
	return writeImage(w, o.Body)
}

// pixels serves a picture of the pixels in which an arm's picture differs from the control's.
func (p *Pages) pixels(w http.ResponseWriter, r *http.Request) error {
	t, err := p.opt.Store.Trial(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	o := observationOf(t, r.PathValue("arm"))
	if o == nil || p.opt.Pixels == nil || !drawable(t.Control.Body) || !drawable(o.Body) {
		return errNoImage
	}
	picture, err := p.opt.Pixels(t.Control.Body, o.Body)
	if err != nil {
		return err
	}
	return writeImage(w, picture)
}

// observationOf finds an arm's observation by the arm's name in addresses.
func observationOf(t *assay.Trial, name string) *assay.Observation {
	switch {
	case name == string(assay.RoleControl):
		return &t.Control
	case name == string(assay.RoleSecondary) && t.Secondary != nil:
		return &t.Secondary.Observation
	}
	for i := range t.Candidates {
		if t.Candidates[i].Observation.Arm == name {
			return &t.Candidates[i].Observation
		}
	}
	return nil
}

// writeImage serves a picture, and makes sure that nothing else is served in its place.
func writeImage(w http.ResponseWriter, body []byte) error {
	kind := imageType(body)
	if kind == "" {
		return errNoImage
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.Header().Set("Cache-Control", "private, max-age=3600") // a trial never changes
	_, _ = w.Write(body)
	return nil
}
