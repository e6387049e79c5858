package compare

import (
	"slices"
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

// Contents that mean different things, or nothing that anyone could know, are never equal, however alike they
// are once read.
func TestTellsApart(t *testing.T) {
	for _, tt := range []struct{ name, as, a, b string }{
		{"form: broken text", "form", "a=%ff", "a=%fe"},
		{"form: broken text, and the mark for it", "form", "a=%ff", "a=%EF%BF%BD"},
		{"form: broken names", "form", "%ff=1", "%fe=1"},
		{"form: space at the end", "form", "a=1 ", "a=1"},
		{"form: a name twice", "form", "a=1", "a=1&a=1"},
		{"form: semicolons", "form", "a=1;b=2", "b=2;a=1"},
		{"form: broken escapes", "form", "a=%zz", "a=%zy"},
		{"form: names of nothing", "form", "=1", "=2"},
		{"csv: columns of no rows", "csv", "a,b\n", "c,d\n"},
		{"csv: no row and an empty one", "csv", "a\n", "a\n\"\"\n"},
		{"csv: ragged rows", "csv", "a,b\n1\n", "a,b\n1,\n"},
		{"csv: columns of one name", "csv", "a,a\n1,2\n", "a,a\n2,2\n"},
		{"csv: cells changed over", "csv", "a,b\n1,2\n", "b,a\n1,2\n"},
		{"jsonl: space that JSON does not know", "jsonl", "1\u00a0\n", "1\n"},
		{"events: a text, and JSON that is that text", "events", "data: \"x\"\n\n", "data: x\n\n"},
		{"events: one that ends, and one that does not", "events", "data: 1\n\n", "data: 1\n"},
		{"events: data over lines", "events", "data: a\ndata: b\n\n", "data: a\n\ndata: b\n\n"},
		{"events: retry", "events", "retry: 1\ndata: a\n\n", "retry: 2\ndata: a\n\n"},
		{"xml: half a pair", "xml", "<a>&#xD800;</a>", "<a>&#xDFFF;</a>"},
		{"xml: half a pair in an attribute", "xml", "<a b='&#55296;'/>", "<a b='\ufffd'/>"},
		{"xml: an undeclared prefix", "xml", "<p:a/>", "<a xmlns='p'/>"},
		{"xml: an attribute's undeclared prefix", "xml", "<a p:b='1'/>", "<a xmlns:q='p' q:b='1'/>"},
		{"xml: namespaces", "xml", "<a xmlns='x'/>", "<a xmlns='y'/>"},
		{"xml: a namespace taken back", "xml", "<a xmlns='x'><b xmlns=''/></a>", "<a xmlns='x'><b/></a>"},
		{"xml: a prefix bound to nothing", "xml", "<a xmlns:p=''><p:b/></a>", "<a><b/></a>"},
		{"xml: a declaration twice", "xml", "<a xmlns='x' xmlns='y'/>", "<a xmlns='y'/>"},
		{"xml: two roots", "xml", "<a/><b/>", "<a/>"},
		{"xml: text behind the root", "xml", "<a/>\u00a0", "<a/>"},
		{"xml: a definition within", "xml", "<a><!DOCTYPE a></a>", "<a/>"},
		{"xml: entities", "xml", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "<a>x</a>"},
		{"xml: attributes from a definition", "xml", "<!DOCTYPE a [<!ATTLIST a b CDATA '1'>]><a/>", "<a/>"},
		{"xml: line ends in attributes", "xml", "<a b='x&#10;y'/>", "<a b='x\ny'/>"},
		{"xml: order among texts", "xml", "<a>x<b/>y</a>", "<a>xy<b/></a>"},
		{"xml: space that counts", "xml", "<a xml:space='preserve'> x</a>", "<a xml:space='preserve'>x</a>"},
		{"xml: space that is none", "xml", "<a>\u00a0x</a>", "<a>x</a>"},
		{"xml: ends that do not match", "xml", "<a></b>", "<a/>"},
		{"xml: an open end", "xml", "<a><b/>", "<a><b/></a>"},
		{"xml: order of elements of one name in two namespaces", "xml", "<r xmlns:p='1' xmlns:q='2'><p:a/><q:a/></r>", "<r xmlns:p='1' xmlns:q='2'><q:a/><p:a/></r>"},
		{"html: space in pre", "html", "<pre>a\n  b</pre>", "<pre>a\n b</pre>"},
		{"html: space before what is in pre", "html", "<pre>  a</pre>", "<pre>a</pre>"},
		{"html: space in a text area", "html", "<textarea> a </textarea>", "<textarea>a</textarea>"},
		{"html: space that does not break", "html", "<p>a&nbsp;b", "<p>a b"},
		{"html: words that are one", "html", "<p>foo <b>bar</b>", "<p>foo<b>bar</b>"},
		{"html: words of two elements", "html", "<p><b>foo</b> <i>bar</i>", "<p><b>foo</b><i>bar</i>"},
		{"html: space within an element's end", "html", "<p><b>foo </b>bar", "<p><b>foo</b>bar"},
		{"html: the kind of document", "html", "<!DOCTYPE html><p>a", "<p>a"},
		{"html: script", "html", "<script>a( 1)</script>", "<script>a(  1)</script>"},
		{"html: templates", "html", "<template><p>a</template>", "<template><p>b</template>"},
		{"text: broken text, whatever its case", `text","case":"ignore`, "caf\xe9", "caf\xe8"},
		{"text: broken text, whatever its space", `text","whitespace":"ignore`, "caf\xe9", "caf\xe8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			as, folded, _ := strings.Cut(tt.as, `","`)
			spec := assay.ComparatorSpec{Kind: assay.CompareBody, As: as}
			switch {
			case strings.HasPrefix(folded, "case"):
				spec.Case = "ignore"
			case folded != "":
				spec.Whitespace = "ignore"
			}
			tellsApart(t, comparator(t, spec), answer("", []byte(tt.a)), answer("", []byte(tt.b)))
		})
	}
}

// tellsApart wants differences, at the same paths either way.
func tellsApart(t *testing.T, c assay.Comparator, a, b *assay.Observation) {
	t.Helper()
	there, back := c.Compare(a, b), c.Compare(b, a)
	if len(there) == 0 || len(there) != len(back) {
		t.Fatalf("%+v one way, %+v the other", there, back)
	}
	paths := func(all []assay.Difference) (paths []string) {
		for _, d := range all {
			paths = append(paths, d.Path)
		}
		slices.Sort(paths)
		return paths
	}
	if !slices.Equal(paths(there), paths(back)) {
		t.Errorf("%q one way, %q the other", paths(there), paths(back))
	}
}

// What means the same is equal.
func TestTellsNothingApart(t *testing.T) {
	for _, tt := range []struct{ name, as, a, b string }{
		{"xml: prefixes", "xml", "<p:a xmlns:p='x'><p:b p:c='1'/></p:a>", "<a xmlns='x'><b xmlns:q='x' q:c='1'/></a>"},
		{"xml: space in attributes", "xml", "<a b='x\ny'/>", "<a b='x y'/>"},
		{"xml: the prefix of XML itself", "xml", "<a xml:lang='en'/>", "<a  xml:lang = \"en\" ></a>"},
		{"xml: comments in text", "xml", "<a>x<!-- c -->y<?pi?></a>", "<a><![CDATA[x]]>y</a>"},
		{"html: space between blocks", "html", "<div> <p>a</p>\n<p>b</p> </div>", "<div><p> a </p><p>b</p></div>"},
		{"html: how much space", "html", "<p>a \n b <b>c</b>", "<p>a b\t<b>c</b>"},
		{"html: order of attributes and classes", "html", "<p id=x class='a b'>", "<p class='b  a' id='x'>"},
		{"events: a mark before them", "events", "\ufeffdata: 1\n\n", "data:1\r\r"},
		{"form: escapes", "form", "a=%20&b=%C3%A9", "b=é&a=+"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := comparator(t, assay.ComparatorSpec{Kind: assay.CompareBody, As: tt.as})
			if got := c.Compare(answer("", []byte(tt.a)), answer("", []byte(tt.b))); len(got) > 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestTellsPartsApart(t *testing.T) {
	part := func(header, data string) string { return "--x\r\n" + header + "\r\n\r\n" + data + "\r\n--x--\r\n" }
	for _, tt := range []struct{ name, a, b string }{
		{"no part at all", "aaa", "bbb"},
		{"the end is missing", "--x\r\nA: b\r\n\r\nc\r\n--x--\r\n", "--x\r\nA: b\r\n\r\nc\r\n"},
		{"folders of files", part(`Content-Disposition: form-data; name=a; filename="x/f"`, "1"), part(`Content-Disposition: form-data; name=a; filename="y/f"`, "1")},
		{"broken dispositions", part(`Content-Disposition: form-data; name="a`, "1"), part(`Content-Disposition: form-data; name="b`, "1")},
		{"broken names", part("Content-Disposition: form-data; name=\"\xff\"", "1"), part("Content-Disposition: form-data; name=\"\ufffd\"", "1")},
		{"transfer encodings", part("Content-Transfer-Encoding: base64", "aGk="), part("A: b", "aGk=")},
		{"broken transfer encodings", part("Content-Transfer-Encoding: base64", "aGk=!"), part("A: b", "hi")},
		{"charsets", part("Content-Type: text/plain; charset=latin1", "a"), part("Content-Type: text/plain; charset=utf-8", "a")},
		{"a second part, and one that is called so", part(`Content-Disposition: form-data; name="a"`, "1\r\n--x\r\nContent-Disposition: form-data; name=a\r\n\r\n2"), part(`Content-Disposition: form-data; name="a"`, "1\r\n--x\r\nContent-Disposition: form-data; name=\"a[1]\"\r\n\r\n2")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tellsApart(t, comparator(t, assay.ComparatorSpec{Kind: assay.CompareBody}), answer("multipart/form-data; boundary=x", []byte(tt.a)), answer("multipart/form-data; boundary=x", []byte(tt.b)))
		})
	}
	encoded := answer("multipart/mixed; boundary=x", []byte(part("Content-Transfer-Encoding: base64", "aG\r\nk=")))
	plain := answer("multipart/mixed; boundary=x", []byte(part("A: b", "hi")))
	if got := comparator(t, assay.ComparatorSpec{Kind: assay.CompareBody}).Compare(encoded, plain); len(got) > 0 {
		t.Errorf("base64: %+v", got)
	}
}

// What stands for a content does not grow with the square of it.
func TestBoundsViews(t *testing.T) {
	long := strings.Repeat("n", 100_000)
	for _, tt := range []struct{ as, many string }{
		{"csv", long + "\n" + strings.Repeat("1\n", 10_000)},
		{"xml", "<r xmlns:p='" + long + "'>" + strings.Repeat("<p:a/>", 10_000) + "</r>"},
		{"xml", "<r xmlns:p='" + long + "'>" + strings.Repeat("<a p:a='1'/>", 10_000) + "</r>"},
		{"xml", strings.Repeat("<a>", 100_000)},
		{"html", strings.Repeat("<div>", 100_000)},
	} {
		got := comparator(t, assay.ComparatorSpec{Kind: assay.CompareBody, As: tt.as}).Compare(answer("", []byte(tt.many)), answer("", []byte(" "+tt.many)))
		if len(got) != 1 || got[0].Kind != assay.KindMalformed {
			t.Errorf("%s: %+v", tt.as, got)
		}
	}
}

// An XHTML page is XML: an element closed at once has nothing in it.
func TestXHTML(t *testing.T) {
	const open = "<html xmlns='http://www.w3.org/1999/xhtml'><body>"
	a := answer("application/xhtml+xml", []byte(open+"<div/>x</body></html>"))
	b := answer("application/xhtml+xml", []byte(open+"<div>x</div></body></html>"))
	tellsApart(t, comparator(t, assay.ComparatorSpec{Kind: assay.CompareBody}), a, b)
}
