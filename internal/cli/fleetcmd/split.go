package fleetcmd

import "github.com/netclients/netclients/internal/cli/kit"

func (f *flags) splitCommand() *kit.Command { return nil }
