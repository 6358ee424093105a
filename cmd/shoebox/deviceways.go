package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/snapshot/amount"
)

func (p *program) deviceConnectCommand() *cobra.Command {
	return &cobra.Command{
		Use: "connect ADDRESS", Short: "Reach a phone over Wi-Fi",
		Long: `Reach a phone over Wi-Fi, at the address that its settings show under Developer
options, Wireless debugging. Without a port it is 5555. A phone of Android 11 or
later must be paired once: see shoebox devices pair. An older one is made ready
on the cable with: adb tcpip 5555

The same phone on the cable and over Wi-Fi stays one phone.`,
		Example: `  shoebox devices connect 192.168.1.20:41234
  shoebox devices connect 192.168.1.20`,
		Args: words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			addr := args[0]
			if !strings.Contains(strings.TrimPrefix(addr, "["), ":") || strings.HasSuffix(addr, "]") {
				addr += ":5555"
			}
			err := p.onServer(cmd, func(s *adb.Server) error { return s.Connect(cmd.Context(), addr) })
			if errors.Is(err, adb.ErrUnauthorized) {
				return fmt.Errorf("%s asks whether this computer may read it: unlock it, tap Allow, then look with `shoebox devices`", addr)
			}
			if err == nil {
				p.tell("%s is connected; `shoebox devices` lists it.", addr)
			}
			return err
		},
	}
}

func (p *program) devicePairCommand() *cobra.Command {
	return &cobra.Command{
		Use: "pair ADDRESS [CODE]", Short: "Introduce this computer to a phone over Wi-Fi, once",
		Long: `Introduce this computer to a phone of Android 11 or later: on the phone, open
Developer options, Wireless debugging, "Pair device with pairing code", and type
the address and the code that it shows. Afterwards connect to the other address,
which stands on the page before: shoebox devices connect.`,
		Example: `  shoebox devices pair 192.168.1.20:37123
  shoebox devices pair 192.168.1.20:37123 123456`,
		Args: words(1, 2),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			code := append(args, "")[1]
			if code == "" && p.terminal {
				if code, err = p.ask(cmd.Context(), "Pairing code: "); err != nil {
					return err
				}
			}
			if code == "" {
				return errors.New("the pairing code is missing: shoebox devices pair ADDRESS CODE")
			}
			if err := p.onServer(cmd, func(s *adb.Server) error { return s.Pair(cmd.Context(), code, args[0]) }); err != nil {
				return err
			}
			p.tell("Paired. Now connect to the address on the page before: shoebox devices connect ADDRESS")
			return nil
		},
	}
}

func (p *program) deviceDisconnectCommand() *cobra.Command {
	return &cobra.Command{
		Use: "disconnect ADDRESS", Short: "Let go of a phone over Wi-Fi", Example: "  shoebox devices disconnect 192.168.1.20:41234", Args: words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.onServer(cmd, func(s *adb.Server) error { return s.Disconnect(cmd.Context(), args[0]) })
		},
	}
}

// onServer does something at the adb server, which is started when none runs.
func (p *program) onServer(cmd *cobra.Command, do func(*adb.Server) error) error {
	if _, err := device.Phones(cmd.Context(), adbServer()); err != nil {
		return err
	}
	return do(adbServer())
}

func (p *program) deviceDoctorCommand() *cobra.Command {
	var serial string
	c := &cobra.Command{
		Use:   "doctor [NAME]",
		Short: "Ask a phone for everything shoebox ever asks of one, changing nothing",
		Long: `Ask a phone for everything that shoebox ever asks of one and print how it
answers. Nothing is changed on it. The report holds no names of files and no
serial number, so it can be sent along with a question.`,
		Example: `  shoebox devices doctor
  shoebox devices doctor anna > report.txt`,
		Args: words(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			phone, _, err := p.openPhoneAt(cmd.Context(), backupFlags{serial: serial}, strings.TrimPrefix(append(args, "")[0], phonePrefix), nil, nil)
			if err != nil {
				return err
			}
			defer phone.Close() // only read
			return p.doctorSaid(phone, device.Doctor(cmd.Context(), phone))
		},
	}
	c.Flags().StringVarP(&serial, "serial", "s", "", "which phone, by its `serial` number ($ANDROID_SERIAL)")
	return c
}

func (p *program) doctorSaid(phone *device.Phone, findings []device.Finding) error {
	words := map[device.Verdict]string{device.Good: "good", device.Missing: "missing", device.Odd: "odd"}
	if p.flags.json {
		enc := json.NewEncoder(p.out)
		for _, f := range findings {
			if err := enc.Encode(map[string]any{"message_type": "finding", "asked": f.Asked, "came": f.Came, "verdict": words[f.Verdict], "without": f.Without}); err != nil {
				return err
			}
		}
		return nil
	}
	p.say("%s; shoebox %s on %s", phone.Model, versionText(), runtime.GOOS)
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	bad := int64(0)
	for _, f := range findings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", words[f.Verdict], f.Asked, f.Came)
		if f.Verdict != device.Good {
			bad++
			fmt.Fprintf(w, "\t\twithout it: %s\n", f.Without)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if bad == 0 {
		p.say("The phone answers everything as it should.")
		return nil
	}
	p.say("%s missing or odd; what shoebox does without each is said above.", amount.Plural(bad, "answer"))
	return nil
}
