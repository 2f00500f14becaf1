package xmlrpc

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

type colour string

type post struct {
	ID      int32     `xmlrpc:"post_id"`
	Title   string    `xmlrpc:"title"`
	When    time.Time `xmlrpc:"when"`
	Tags    []colour
	Counts  map[string]uint16
	Draft   bool
	Score   float32
	File    []byte
	Parent  *post
	Secret  string `xmlrpc:"-"`
	private int
}

// TestTypes: a program's own types go out and come back.
func TestTypes(t *testing.T) {
	c := labtest.Open(t, New, serve(t, sums()), nil)
	sent := post{
		ID: 7, Title: "a <title>", When: time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), Tags: []colour{"red", "blue"}, Counts: map[string]uint16{"x": 3},
		Draft: true, Score: 1.5, File: []byte{0, 255}, Parent: &post{ID: -1, Tags: []colour{}, Counts: map[string]uint16{}, File: []byte{}, When: time.Unix(0, 0).UTC()}, Secret: "s", private: 1,
	}
	v, err := c.Call(t.Context(), "echo", sent, [2]int8{1, 2}, &sent.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	if err := Into(v, &got); err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	m, _ := got[0].(map[string]any)
	if m["post_id"] != int64(7) || m["Secret"] != nil || m["private"] != nil || m["when"] != DateTime("20240229T12:00:00") || len(m) != 9 {
		t.Errorf("sent %#v", m)
	}
	var back post
	if err := Into(got[0], &back); err != nil {
		t.Fatal(err)
	}
	sent.Secret, sent.private = "", 0
	if !reflect.DeepEqual(back, sent) {
		t.Errorf("%+v, want %+v", back, sent)
	}
	var small []int
	if err := Into(got[1], &small); err != nil || !reflect.DeepEqual(small, []int{1, 2}) {
		t.Errorf("%v, %v", small, err)
	}
	var f float64
	if err := Into(got[2], &f); err != nil || f != 7 {
		t.Errorf("%v, %v", f, err)
	}
}

func TestTypesThatDoNotFit(t *testing.T) {
	type circle struct{ Next *circle }
	round := &circle{}
	round.Next = round
	for _, v := range []any{make(chan int), func() {}, uint64(1 << 63), map[int]string{1: "x"}, round, struct{ C chan int }{}, complex(1, 2)} {
		if _, err := AppendCall(nil, "x", []any{v}); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%T was sent: %v", v, err)
		}
	}
	var (
		tiny  int8
		plus  uint
		text  string
		times time.Time
		many  []int
		table map[string]int
	)
	for _, bad := range []struct{ v, to any }{
		{int64(300), &tiny}, {int64(-1), &plus}, {int64(1), &text}, {"x", &tiny}, {"x", &times}, {DateTime("soon"), &times}, {[]any{"x"}, &many},
		{map[string]any{"a": "x"}, &table}, {map[string]any{"ID": "x"}, &struct{ ID int }{}}, {1.5, &tiny}, {true, &text}, {[]any{}, &table},
	} {
		if err := Into(bad.v, bad.to); protocols.KindOf(err) != protocols.KindProtocol || !strings.Contains(err.Error(), "does not go into") {
			t.Errorf("%#v into %T: %v", bad.v, bad.to, err)
		}
	}
	for _, to := range []any{nil, 1, (*int)(nil)} {
		if err := Into(int64(1), to); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("into %#v: %v", to, err)
		}
	}
	many = []int{1}
	if err := Into(nil, &many); err != nil || many != nil {
		t.Errorf("nil: %v, %v", many, err)
	}
}
