package xmlrpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/netclients/netclients/protocols"
)

func answer(value string) string {
	return "<?xml version='1.0'?>\n<methodResponse><params><param><value>" + value + "</value></param></params></methodResponse>"
}

func TestDecodeValues(t *testing.T) {
	for xml, want := range map[string]any{
		"<int>7</int>": int64(7), "<i4> -7 </i4>": int64(-7), "<i8>9223372036854775807</i8>": int64(math.MaxInt64), "<ex:i8>5</ex:i8>": int64(5), "<i1>-128</i1>": int64(-128),
		"<biginteger>12345678901234567890123</biginteger>": Decimal("12345678901234567890123"), "<ex:bigdecimal>1.10</ex:bigdecimal>": Decimal("1.10"),
		"<double>-1.5</double>": -1.5, "<ex:float>2</ex:float>": 2.0, "<boolean>1</boolean>": true, "<boolean>0</boolean>": false,
		"": "", "  two blanks ": "  two blanks ", "<string/>": "", "<string>a&lt;b&#228;&amp;</string>": "a<bä&", "<![CDATA[<x>]]>": "<x>", "a<!-- comment -->b": "ab",
		"<nil/>": nil, "<ex:nil></ex:nil>": nil, "<base64>AAEC\n /w==</base64>": []byte{0, 1, 2, 255}, "<base64/>": []byte{},
		"<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>": DateTime("19980717T14:08:55"),
		"<array><data/></array>":                                 []any{}, "<array/>": []any{}, "<struct></struct>": map[string]any{},
		"\n <array>\n <data>\n <value>a</value><value><int>1</int></value></data></array>":                                      []any{"a", int64(1)},
		"<struct><member><name>a</name><value>1</value></member><member><value><nil/></value><name> b</name></member></struct>": map[string]any{"a": "1", " b": nil},
	} {
		got, err := DecodeResponse(iotest.OneByteReader(strings.NewReader(answer(xml))), nil)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, %v; want %#v", xml, got, err, want)
		}
	}
	for _, empty := range []string{"<methodResponse><params/></methodResponse>", "<methodResponse><params></params></methodResponse>"} {
		if v, err := DecodeResponse(strings.NewReader(empty), nil); v != nil || err != nil {
			t.Errorf("%s: %v, %v", empty, v, err)
		}
	}
	latin := "<?xml version='1.0' encoding='iso-8859-1'?><methodResponse><params><param><value>Gr\xf6\xdfe</value></param></params></methodResponse>"
	if v, err := DecodeResponse(strings.NewReader(latin), nil); v != "Größe" || err != nil {
		t.Errorf("Latin-1: %v, %v", v, err)
	}
}

// TestDecodeWhole: an int may have the 64 bits that servers write.
func TestDecodeWhole(t *testing.T) {
	for text, want := range map[string]int64{"2147483648": 1 << 31, "-9223372036854775808": math.MinInt64, "9223372036854775807": math.MaxInt64} {
		if v, err := DecodeResponse(strings.NewReader(answer("<int>"+text+"</int>")), nil); v != want || err != nil {
			t.Errorf("%s: %v, %v", text, v, err)
		}
	}
}

// TestDecodeEncodings: a byte order mark, or UTF-16 without one, stands above the
// Content-Type, which stands above what the document says of itself.
func TestDecodeEncodings(t *testing.T) {
	value := strings.Replace(answer("Größe"), "<?xml version='1.0'?>\n", "", 1)
	recoded := func(e encoding.Encoding, head string) string {
		text, err := e.NewEncoder().String(head + value)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const utf16Head, latinHead = "<?xml version='1.0' encoding='UTF-16'?>", "<?xml version='1.0' encoding='iso-8859-1'?>"
	for name, doc := range map[string]struct{ text, label string }{
		"a mark of UTF-8":                     {"\ufeff" + value, ""},
		"a mark, and another Content-Type":    {"\ufeff<?xml version='1.0' encoding='utf-8'?>" + value, "iso-8859-1"},
		"UTF-16LE":                            {recoded(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), utf16Head), ""},
		"UTF-16BE":                            {recoded(unicode.UTF16(unicode.BigEndian, unicode.UseBOM), utf16Head), "utf-16"},
		"UTF-16LE without a mark":             {recoded(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), utf16Head), ""},
		"UTF-16BE without mark or head":       {recoded(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), ""), ""},
		"Latin-1 by the Content-Type":         {recoded(charmap.ISO8859_1, ""), "ISO-8859-1"},
		"the Content-Type above the head":     {latinHead + value, "UTF-8"},
		"an unknown name in the Content-Type": {recoded(charmap.ISO8859_1, latinHead), "none"},
		"US-ASCII, which says nothing":        {recoded(charmap.ISO8859_1, latinHead), "us-ascii"},
	} {
		v, err := DecodeResponse(iotest.OneByteReader(strings.NewReader(doc.text)), &DecodeOptions{Charset: doc.label})
		if v != "Größe" || err != nil {
			t.Errorf("%s: %q, %v", name, v, err)
		}
	}
	whole := recoded(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "")
	for cut := range len(whole) - 1 {
		if v, err := DecodeResponse(strings.NewReader(whole[:cut]), nil); !protocolError(err) {
			t.Errorf("UTF-16 cut after %d bytes: %v, %v", cut, v, err)
		}
	}
}

// TestPanics: a panic of a program's own types is an error.
func TestPanics(t *testing.T) {
	var nothing map[string]int
	if err := Into(map[string]any{"a": "x"}, &nothing); !protocolError(err) {
		t.Errorf("%v", err)
	}
	if _, err := DecodeResponse(panicky{}, nil); protocols.KindOf(err) != protocols.KindInternal {
		t.Errorf("a reader that panics: %v", err)
	}
	if _, err := DecodeCall(panicky{}, nil); protocols.KindOf(err) != protocols.KindInternal {
		t.Errorf("a reader that panics: %v", err)
	}
}

type panicky struct{}

func (panicky) Read([]byte) (int, error) { panic("no") }

func protocolError(err error) bool { return protocols.KindOf(err) == protocols.KindProtocol }

// TestDecodeBad: security 14, 15 and 17: an error of kind Protocol, never a
// wrapped number, nothing expanded, and no panic.
func TestDecodeBad(t *testing.T) {
	deep := strings.Repeat("<array><data><value>", 300_000)
	laughs := `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>`
	whole := map[string]string{
		"a document type": `<?xml version="1.0"?>` + laughs + answer("<string>&b;</string>")[len("<?xml version='1.0'?>\n"):],
		"a file":          `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>` + answer("&f;")[len("<?xml version='1.0'?>\n"):],
		"nothing":         "", "no XML": "hello", "a cut": answer("x")[:60], "HTML": "<html><body>not found</body></html>",
		"two documents": answer("1") + "<methodResponse/>", "text behind": answer("1") + "x", "two values": "<methodResponse><params><param><value/></param><param><value/></param></params></methodResponse>",
		"an odd fault": "<methodResponse><fault><value>x</value></fault></methodResponse>", "a call": "<methodCall><methodName>x</methodName></methodCall>",
		"an encoding": "<?xml version='1.0' encoding='nonsense'?><methodResponse/>", "empty": "<methodResponse></methodResponse>",
	}
	for _, v := range []string{
		deep, "<int>9223372036854775808</int>", "<i4>2147483648</i4>", "<i4>-2147483649</i4>", "<i8>9223372036854775808</i8>", "<i1>128</i1>", "<int>1.5</int>", "<int></int>", "<int>0x10</int>", "<int>1<int>2</int></int>",
		"<double>x</double>", "<double>1e999</double>", "<double>0x1p4</double>", "<boolean>2</boolean>", "<base64>A</base64>", "<base64>AAE*</base64>",
		"<struct><member><value>1</value></member></struct>", "<struct><member><name>a</name></member></struct>", "<struct><value>1</value></struct>",
		"<array><value>1</value></array>", "<array><data><int>1</int></data></array>", "<unknown>1</unknown>", "text<int>1</int>", "<int>1</int>text", "<int>1</int><int>2</int>",
		"<string>a</int></string>", "&undefined;", "<string>&#0;</string>", "\x01", "<string>\xff</string>", "<biginteger>x</biginteger>", "<bigdecimal>1_0</bigdecimal>",
		"<struct><member><name>a</name><name>b</name><value/></member></struct>",
	} {
		whole[v[:min(40, len(v))]] = answer(v)
	}
	for name, doc := range whole {
		v, err := DecodeResponse(strings.NewReader(doc), nil)
		if !protocolError(err) || v != nil {
			t.Errorf("%s: %v, %v", name, v, err)
		}
		if err != nil && strings.Contains(err.Error(), "root:") {
			t.Errorf("%s: a file was read: %v", name, err)
		}
	}
}

// endless yields a text again and again, and counts what is taken.
type endless struct {
	text  string
	taken int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text)
	e.taken += n
	return n, nil
}

func TestDecodeLimits(t *testing.T) {
	for _, text := range []string{"<", "<value>", "<string>x", "<a b='c' ", "<!-- -", "<![CDATA[ ", "&amp;", "<int>1", " ", "<?x y "} {
		e := &endless{text: text}
		r := io.MultiReader(strings.NewReader("<methodResponse><params><param><value><array><data><value>"), e)
		if _, err := DecodeResponse(r, &DecodeOptions{MaxBytes: 1 << 20}); !protocolError(err) || e.taken > 2<<20 {
			t.Errorf("%q without end: %v after %d bytes", text, err, e.taken)
		}
	}
	doc := answer("<array><data><value><array><data><value>x</value></data></array></value></data></array>")
	if _, err := DecodeResponse(strings.NewReader(doc), &DecodeOptions{MaxDepth: 2}); err != nil {
		t.Error(err)
	}
	if _, err := DecodeResponse(strings.NewReader(doc), &DecodeOptions{MaxDepth: 1}); !protocolError(err) {
		t.Error(err)
	}
	if _, err := DecodeResponse(strings.NewReader(doc), &DecodeOptions{MaxBytes: int64(len(doc))}); err != nil {
		t.Errorf("just so many bytes: %v", err)
	}
	if _, err := DecodeResponse(strings.NewReader(doc), &DecodeOptions{MaxBytes: int64(len(doc)) - 1}); !protocolError(err) {
		t.Errorf("one byte too many: %v", err)
	}
	lost := errors.New("the connection is lost")
	if _, err := DecodeResponse(io.MultiReader(strings.NewReader(doc[:50]), iotest.ErrReader(lost)), nil); !errors.Is(err, lost) {
		t.Errorf("an error of the reader: %v", err)
	}
}

func TestFaults(t *testing.T) {
	fault := func(code string) string {
		return "<methodResponse><fault><value><struct><member><name>faultCode</name><value>" + code + "</value></member><member><name>faultString</name><value>no</value></member></struct></value></fault></methodResponse>"
	}
	for code, want := range map[string]Fault{
		"<int>42</int>": {42, "", "no"}, "<string>42</string>": {42, "", "no"}, " 42 ": {42, "", "no"}, "Client.Auth": {0, "Client.Auth", "no"}, "<i8>4294967296</i8>": {1 << 32, "", "no"},
	} {
		_, err := DecodeResponse(strings.NewReader(fault(code)), nil)
		f, ok := err.(*Fault)
		if !ok || *f != want {
			t.Errorf("%s: %+v", code, err)
		}
	}
}

func TestEncode(t *testing.T) {
	at := time.Date(2005, 2, 10, 11, 41, 23, 0, time.UTC)
	for want, v := range map[string]any{
		"<nil/>": nil, "<int>7</int>": 7, "<int>-2147483648</int>": int64(math.MinInt32), "<i8>2147483648</i8>": int64(1 << 31), "<int>1</int>": int32(1),
		"<double>0.1</double>": 0.1, "<double>100000000000000000000000</double>": 1e23, "<boolean>1</boolean>": true, "<boolean>0</boolean>": false,
		"<string>a&lt;b&gt;&amp;&#13;\n\t]]&gt;</string>": "a<b>&\r\n\t]]>", "<base64>AAH/</base64>": []byte{0, 1, 255}, "<dateTime.iso8601>20050210T11:41:23</dateTime.iso8601>": at,
		"<array><data><value><string>x</string></value></data></array>":                                  []string{"x"},
		"<struct><member><name>&lt;</name><value><array><data></data></array></value></member></struct>": map[string]any{"<": []any{}},
	} {
		got, err := AppendCall(nil, "m", []any{v})
		if err != nil || !strings.Contains(string(got), "<param><value>"+want+"</value></param>") {
			t.Errorf("%v: %s, %v", v, got, err)
		}
	}
	loop := map[string]any{}
	loop["self"] = loop
	for _, v := range []any{"\x00", "\x1b[31m", "\xff", "\uffff", math.NaN(), math.Inf(1), make(chan int), loop, []any{map[string]any{"\x01": 1}}} {
		if _, err := AppendCall(nil, "m", []any{v}); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%T: %v", v, err)
		}
	}
	for _, m := range []string{"", "a\x00", "\xff"} {
		if _, err := AppendCall(nil, m, nil); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("method %q: %v", m, err)
		}
	}
	got, err := AppendCall(nil, "m</methodName><x>", nil)
	if call, derr := DecodeCall(strings.NewReader(string(got)), nil); err != nil || derr != nil || call.Method != "m</methodName><x>" {
		t.Errorf("a method with marks in its name: %q, %v, %v", call.Method, err, derr)
	}
}

// TestRoundTrip: what goes out comes back.
func TestRoundTrip(t *testing.T) {
	values := []any{nil, int64(-5), int64(1) << 40, 1.25, true, " s\r\n<&> ä ", []byte("\x00\xff"), DateTime("20050210T11:41:23"), Decimal("1.50"), []any{[]any{}, map[string]any{"k": "v"}}}
	doc, err := AppendCall(nil, "test.method", values)
	if err != nil {
		t.Fatal(err)
	}
	call, err := DecodeCall(strings.NewReader(string(doc)), nil)
	if err != nil || call.Method != "test.method" || !reflect.DeepEqual(call.Params, values) {
		t.Errorf("%#v, %v", call, err)
	}
}

func TestParseJSON(t *testing.T) {
	for text, want := range map[string]any{
		"1": int64(1), "4294967296": int64(1) << 32, "1.0": 1.0, "1e3": 1000.0, `"x"`: "x", "true": true, "null": nil, `[1,[2]]`: []any{int64(1), []any{int64(2)}},
		`{"a":{"b":null}}`: map[string]any{"a": map[string]any{"b": nil}}, `{"$base64":"AAH/"}`: []byte{0, 1, 255}, `{"$dateTime":"20050210T11:41:23"}`: DateTime("20050210T11:41:23"),
		`{"$double":1}`: 1.0, `{"$i8":"7"}`: int64(7), `{"$int":1,"x":2}`: map[string]any{"$int": int64(1), "x": int64(2)}, `[{"$string":"1"}]`: []any{"1"},
	} {
		got, err := ParseJSON(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "1 2", `{"$int":"x"}`, `{"$nonsense":1}`, "9223372036854775808", "1e999", strings.Repeat("[", 200) + strings.Repeat("]", 200)} {
		if v, err := ParseJSON(text); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%.20s: %v, %v", text, v, err)
		}
	}
}

func TestJSON(t *testing.T) {
	v := map[string]any{"big": int64(1<<53 + 1), "nan": math.NaN(), "one": 1.0, "half": 0.5, "date": DateTime("19980717T14:08:55"), "bin": []byte{255}, "list": []any{nil, Decimal("1.10")}}
	plain, err := json.Marshal(JSON(v, false))
	if want := `{"big":"9007199254740993","bin":"/w==","date":"1998-07-17T14:08:55","half":0.5,"list":[null,"1.10"],"nan":"NaN","one":1}`; err != nil || string(plain) != want {
		t.Errorf("%s, %v", plain, err)
	}
	delete(v, "nan")
	typed, err := json.Marshal(JSON(v, true))
	if err != nil {
		t.Fatal(err)
	}
	if back, err := ParseJSON(string(typed)); err != nil || !reflect.DeepEqual(back, any(v)) {
		t.Errorf("%s comes back as %#v, %v", typed, back, err)
	}
}

func TestDateTime(t *testing.T) {
	want := time.Date(1998, 7, 17, 14, 8, 55, 0, time.UTC)
	for _, s := range []DateTime{"19980717T14:08:55", "1998-07-17T14:08:55", " 19980717T140855 ", "19980717T14:08:55Z", "19980717T16:08:55+0200", DateTimeOf(want)} {
		if got, err := s.Time(); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	if _, err := DateTime("yesterday").Time(); err == nil {
		t.Error("yesterday is a time")
	}
}

// FuzzResponse: whatever comes, there is a value or an error of kind Protocol, and
// a value can be sent and comes back.
func FuzzResponse(f *testing.F) {
	for _, v := range []string{"<int>1</int>", "<array><data><value>x</value></data></array>", "<struct><member><name>n</name><value><nil/></value></member></struct>", "<base64>AAE=</base64>", "<double>1.5</double>", "<ex:bigdecimal>1</ex:bigdecimal>"} {
		f.Add([]byte(answer(v)))
	}
	f.Add([]byte("<!DOCTYPE x><methodResponse/>"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		v, err := DecodeResponse(strings.NewReader(string(doc)), &DecodeOptions{MaxBytes: 1 << 16, MaxDepth: 20})
		if err != nil {
			if _, ok := err.(*Fault); !ok && !protocolError(err) {
				t.Fatal(err)
			}
			return
		}
		out, err := AppendCall(nil, "m", []any{v})
		if err != nil {
			return // numbers that are none, and characters that only a reader takes
		}
		call, err := DecodeCall(strings.NewReader(string(out)), nil)
		if err != nil || fmt.Sprintf("%#v", call.Params[0]) != fmt.Sprintf("%#v", v) {
			t.Fatalf("%#v came back as %#v: %v", v, call.Params, err)
		}
	})
}

// FuzzJSON: an argument is refused or can be sent.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"$base64":"AA=="}`, `[1,2.5,null,{"a":true}]`, `"x"`, `{"$dateTime":""}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseJSON(text)
		if err != nil {
			if protocols.KindOf(err) != protocols.KindUsage {
				t.Fatal(err)
			}
			return
		}
		JSON(v, true)
		AppendCall(nil, "m", []any{v})
	})
}

func BenchmarkDecode(b *testing.B) {
	doc := answer("<array><data>" + strings.Repeat("<value><struct><member><name>id</name><value><int>7</int></value></member><member><name>name</name><value><string>a row</string></value></member></struct></value>", 1000) + "</data></array>")
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeResponse(strings.NewReader(doc), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// TestBase64 reads texts as servers write them: in lines, with references for the
// line ends, comments and sections.
func TestBase64(t *testing.T) {
	for xml, want := range map[string]string{
		"<base64/>": "", "<base64 />": "", "<base64></base64>": "", "<base64> \n</base64>": "", "<base64>YWJj</base64>": "abc", "<base64>\r\n YW\tJj\r\n</base64 >": "abc",
		"<base64>YWJj&#10;ZGVm&#13;\n</base64>": "abcdef", "<base64>YW<!-- x -->Jj</base64>": "abc", "<base64>YW<![CDATA[Jj]]>ZGVm</base64>": "abcdef", "<base64>YQ==</base64>": "a",
	} {
		for _, head := range []string{"", "<?xml version='1.0' encoding='iso-8859-1'?>"} {
			doc := head + strings.TrimPrefix(answer("<array><data><value>"+xml+"</value><value>x</value></data></array>"), "<?xml version='1.0'?>\n")
			got, err := DecodeResponse(iotest.HalfReader(strings.NewReader(doc)), nil)
			if err != nil || !reflect.DeepEqual(got, any([]any{[]byte(want), "x"})) {
				t.Errorf("%s%s: %q, %v", head, xml, got, err)
			}
		}
	}
	for _, bad := range []string{"<base64>YW</base64>", "<base64>YWJj", "<base64>YWJj</string>", "<base64>YWJj<int/></base64>", "<base64>Y&#61;Jj</base64>", "<base64>YWJj&x;</base64>", "<base64>=</base64>"} {
		if v, err := DecodeResponse(strings.NewReader(answer(bad)), nil); !protocolError(err) {
			t.Errorf("%s: %v, %v", bad, v, err)
		}
	}
	broken := errors.New("the connection is gone")
	doc := strings.TrimSuffix(answer("<base64>YWJj</base64>"), "</base64></value></param></params></methodResponse>")
	if _, err := DecodeResponse(io.MultiReader(strings.NewReader(doc), iotest.ErrReader(broken)), nil); !errors.Is(err, broken) {
		t.Errorf("cut: %v", err)
	}
}

// TestBase64Memory: a large value costs a few times its size, not many.
func TestBase64Memory(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	doc, err := AppendResponse(nil, content)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	v, err := DecodeResponse(bytes.NewReader(doc), nil)
	runtime.ReadMemStats(&after)
	if got, ok := v.([]byte); !ok || !bytes.Equal(got, content) {
		t.Fatal("other bytes", err)
	}
	if cost := (after.TotalAlloc - before.TotalAlloc) / uint64(len(content)); cost > 8 {
		t.Errorf("%d times the value was allocated", cost)
	}
}

// TestTagsAreBounded: the parser keeps all attributes of a tag, so that a tag is
// small; texts and comments may be long.
func TestTagsAreBounded(t *testing.T) {
	const most = 1 << 20
	for _, head := range []string{"", `<?xml version="1.0" encoding="iso-8859-1"?>`} {
		for _, attribute := range []string{` a="b"`, ` a=">"`, ` a='">'`, ` <`, `x`} {
			in := &io.LimitedReader{R: strings.NewReader(head + "<methodResponse" + strings.Repeat(attribute, most/len(attribute))), N: most}
			_, err := DecodeResponse(in, nil)
			if protocols.KindOf(err) != protocols.KindProtocol || most-in.N > 4*maxTag {
				t.Errorf("%s%s...: %d bytes read, %v", head, attribute, most-in.N, err)
			}
		}
		long := strings.Repeat("it's \"x\" > ", 10_000)
		doc := head + "<methodResponse><!--" + long + "--><params><param><value><string a='" + strings.Repeat("y", maxTag/2) + "'><![CDATA[" + long + "]]>" + long + "</string></value></param></params></methodResponse>"
		if v, err := DecodeResponse(strings.NewReader(doc), nil); v != long+long || err != nil {
			t.Errorf("%s: long texts: %.40v, %v", head, v, err)
		}
	}
}

// TestTextsAreBounded: one text is far shorter than a document may be, for the parser
// holds it several times.
func TestTextsAreBounded(t *testing.T) {
	in := &io.LimitedReader{R: io.MultiReader(strings.NewReader("<methodResponse><params><param><value><string>"), endlessText{}), N: 1 << 30}
	_, err := DecodeResponse(in, nil)
	if read := 1<<30 - in.N; protocols.KindOf(err) != protocols.KindProtocol || read > maxText+1<<20 {
		t.Errorf("%d bytes read, %v", read, err)
	}
}

// endlessText is text without an end.
type endlessText struct{}

func (endlessText) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'q'
	}
	return len(p), nil
}
