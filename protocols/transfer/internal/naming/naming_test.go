package naming

import "testing"

func TestSkeleton(t *testing.T) {
	for name, want := range map[string]string{
		"plain-1.TXT": "plain1txt", "tr ail  ": "trail", "tr_ail__": "trail", "a\tb": "ab",
		"café": "caf", "cafe\u0301": "caf", "\u0301x": "x", "": "", "日本": "", "e\u0301\u0301a": "a",
	} {
		t.Run(name, func(t *testing.T) {
			if got := Skeleton(name); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

func TestTwins(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  bool
	}{
		{nil, false}, {[]string{"a", "b", "日本", "中国"}, false}, {[]string{"README", "x", "readme"}, true}, {[]string{"a", "a "}, true},
	} {
		var twins Twins
		for _, name := range c.names {
			twins.Add(name)
		}
		if twins.Found != c.want {
			t.Errorf("%q: %v", c.names, twins.Found)
		}
	}
}
