package base

import (
	"reflect"
	"testing"
	"time"
)

func TestParseFaults(t *testing.T) {
	got, err := ParseFaults(`cut=5M, data.stall=1M:10s,slow=64k,ctl.split=1,truncate=100,delay=50ms,code:retr=550 no\, really*2,` +
		`garbage:LIST,refuse*3,hang:greeting,drop:PASS,endless:*,multiline:SIZE=213,inject:AUTH=a\r\nb\*\e,max=2,close=0,reset:end,code:RCPT=450 later~30%*2,code:MAIL=550 90% \~ 5%,refuse~5%`)
	if err != nil {
		t.Fatal(err)
	}
	want := Faults{
		{Kind: FaultCut, Bytes: 5 << 20},
		{Kind: FaultStall, Scope: ScopeData, Bytes: 1 << 20, Duration: 10 * time.Second},
		{Kind: FaultSlow, Bytes: 64 << 10},
		{Kind: FaultSplit, Scope: ScopeControl, Bytes: 1},
		{Kind: FaultTruncate, Bytes: 100},
		{Kind: FaultDelay, Duration: 50 * time.Millisecond},
		{Kind: FaultCode, Verb: "RETR", Text: "550 no, really", Times: 2},
		{Kind: FaultGarbage, Verb: "LIST"},
		{Kind: FaultRefuse, Times: 3},
		{Kind: FaultHang, Verb: PointGreeting},
		{Kind: FaultDrop, Verb: "PASS"},
		{Kind: FaultEndless, Verb: "*"},
		{Kind: FaultMultiline, Verb: "SIZE", Text: "213"},
		{Kind: FaultInject, Verb: "AUTH", Text: "a\r\nb*\x1b"},
		{Kind: FaultMax, Bytes: 2},
		{Kind: FaultClose},
		{Kind: FaultReset, Verb: PointEnd},
		{Kind: FaultCode, Verb: "RCPT", Text: "450 later", Chance: 30, Times: 2},
		{Kind: FaultCode, Verb: "MAIL", Text: "550 90% ~ 5%"},
		{Kind: FaultRefuse, Chance: 5},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got, err := ParseFaults("  "); got != nil || err != nil {
		t.Errorf("empty: %v, %v", got, err)
	}
}

func TestParseFaultsRefuses(t *testing.T) {
	for _, spec := range []string{
		"nonsense", "cut", "cut=", "cut=x", "cut=-1", "cut=5T", "cut=9999999999G", "stall=5", "stall=5:x", "slow=0", "split=0",
		"delay=-1s", "code:RETR", "code=550 x", "cut:RETR=5", "garbage", "refuse=1", "up.cut=5", "refuse*0", "refuse*x",
		`code:A=x\`, `code:A=\q`, "cut=1,,cut=2", "hang:NOOP=1", "max=0", "refuse~0%", "refuse~101%", "refuse~x%",
	} {
		if f, err := ParseFaults(spec); err == nil {
			t.Errorf("%q was taken: %+v", spec, f)
		}
	}
}

func FuzzParseFaults(f *testing.F) {
	f.Add(`cut=5M,data.stall=1M:10s,code:RETR=550 no\, really*2,endless:*`)
	f.Add(`code:RCPT=450 later~30%*2,code:MAIL=550 a\~b`)
	f.Add(`inject:AUTH=a\r\nb\*,refuse*3,max=2`)
	f.Fuzz(func(t *testing.T, spec string) {
		faults, err := ParseFaults(spec)
		if err != nil && faults != nil {
			t.Error("faults and an error")
		}
		for _, x := range faults {
			if x.Bytes < 0 || x.Duration < 0 || x.Times < 0 || x.Chance < 0 || x.Chance > 100 || x.Kind == "" {
				t.Errorf("%q: %+v", spec, x)
			}
		}
	})
}
