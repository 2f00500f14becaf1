package charset

import (
	"mime"
	"testing"
)

func TestReader(t *testing.T) {
	d := mime.WordDecoder{CharsetReader: Reader}
	for word, want := range map[string]string{
		"=?windows-1252?Q?=80_5?=": "€ 5", "=?koi8-r?B?8NLJ18XU?=": "Привет", "=?ISO-2022-JP?B?GyRCJCIbKEI=?=": "あ", "=?utf-8?Q?=C3=A9?=": "é",
	} {
		if got, err := d.DecodeHeader(word); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", word, got, err, want)
		}
	}
	if got, err := d.DecodeHeader("=?no-such?Q?x?="); err == nil {
		t.Errorf("an unknown charset returned %q", got)
	}
}
