package show

import "testing"

func TestPretty(t *testing.T) {
	for in, want := range map[string]string{
		`{"b":1,"a":["x",true,{}],"c":"\u001b[2J: \"q\", "}`: "{\n  \"b\": 1,\n  \"a\": [\n    \"x\",\n    true,\n    {}\n  ],\n  \"c\": \"\\u001b[2J: \\\"q\\\", \"\n}",
		"[\"raw \x1b\"]": "", `plain`: "", `{"cut":`: "", ``: "", `"word"`: "",
	} {
		if got, ok := Pretty(Painter(false), []byte(in)); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", in, got, ok)
		}
	}
	got, _ := Pretty(Painter(true), []byte(`{"k":"v","n":2}`))
	if want := "{\n  \x1b[36m\"k\"\x1b[0m: \x1b[32m\"v\"\x1b[0m,\n  \x1b[36m\"n\"\x1b[0m: \x1b[1;34m2\x1b[0m\n}"; got != want {
		t.Errorf("%q", got)
	}
}
