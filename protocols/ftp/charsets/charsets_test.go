package charsets_test

import (
	"fmt"
	"testing"

	"github.com/netclients/netclients/protocols/ftp/charsets"
)

func Example() {
	gbk, err := charsets.Get("gbk")
	if err != nil {
		fmt.Println(err)
		return
	}
	name, err := gbk.Decode("\xd6\xd0\xce\xc4.txt")
	fmt.Println(name, err)
	// Output: 中文.txt <nil>
}

func TestBothWays(t *testing.T) {
	for name, text := range map[string]string{"shift_jis": "日本.txt", "euc-kr": "한국.txt", "big5": "中文.txt", "koi8-r": "Привет", "latin1": "Käse"} {
		c, err := charsets.Get(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		coded, err := c.Encode(text)
		if err != nil || coded == text {
			t.Errorf("%s: %q, %v", name, coded, err)
		}
		if plain, err := c.Decode(coded); err != nil || plain != text {
			t.Errorf("%s: %q, %v", name, plain, err)
		}
	}
	if _, err := charsets.Get("no-such-charset"); err == nil {
		t.Error("an unknown name")
	}
}
