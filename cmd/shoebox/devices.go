package main

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"shoebox/device"
)

func (p *program) devicesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "devices",
		Short: "List the phones that are connected, and name them",
		Long: `List the phones that are connected, with what stands in the way of backing them
up and what to do about it.`,
		Example: `  shoebox devices
  shoebox devices name R5CT1234567 anna
  shoebox devices connect 192.168.1.20
  shoebox devices doctor`,
		Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.devices(cmd) },
	}
	c.AddCommand(p.deviceNameCommand(), p.devicePairCommand(), p.deviceConnectCommand(), p.deviceDisconnectCommand(), p.deviceDoctorCommand())
	return c
}

func (p *program) devices(cmd *cobra.Command) error {
	names, err := readAliases()
	if err != nil {
		return err
	}
	phones, err := device.Phones(cmd.Context(), adbServer())
	if err != nil {
		return err
	}
	if p.flags.json {
		return p.devicesJSON(phones, names)
	}
	if len(phones) == 0 {
		return nobody(cmd)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "Serial\tName\tModel\tState")
	for _, one := range phones {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", one.Select(), names[one.Identity], one.Model, stateText(one))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, one := range phones {
		if err := one.Err(); err != nil {
			p.say("\n%s", err)
		}
	}
	return nil
}

// nobody is the error that no phone is there; OpenPhone words it best.
func nobody(cmd *cobra.Command) error {
	phone, err := device.OpenPhone(cmd.Context(), adbServer(), device.PhoneOptions{})
	if err == nil {
		return phone.Close() // it has just been plugged in; the next call lists it
	}
	return err
}

func stateText(one device.PhoneInfo) string {
	if one.State == nil {
		return "ready"
	}
	return one.State.Error()
}

func (p *program) devicesJSON(phones []device.PhoneInfo, names aliases) error {
	list := make([]map[string]any, 0, len(phones))
	for _, one := range phones {
		list = append(list, map[string]any{"serial": one.Serial, "select": one.Select(), "name": names[one.Identity], "model": one.Model, "usb": one.USB,
			"ready": one.State == nil, "state": stateText(one), "others": one.Others})
	}
	return p.printJSON(list)
}

func (p *program) deviceNameCommand() *cobra.Command {
	return &cobra.Command{
		Use: "name SERIAL NAME", Short: "Name a phone, so that backups are made of \"anna\" and not of a number",
		Example: "  shoebox devices name R5CT1234567 anna", Args: words(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := readAliases()
			if err != nil {
				return err
			}
			phones, err := device.Phones(cmd.Context(), adbServer())
			if err != nil {
				return err
			}
			for _, one := range phones {
				if args[0] != one.Serial && args[0] != one.Identity && args[0] != one.Select() {
					continue
				}
				if one.Identity == "" {
					return errors.Join(fmt.Errorf("phone %s cannot be named before it can be read", args[0]), one.Err())
				}
				if err := names.set(one.Identity, args[1]); err != nil {
					return err
				}
				p.tell("%s is %s from now on.", args[0], args[1])
				return nil
			}
			return fmt.Errorf("there is no phone %s; `shoebox devices` lists them", args[0])
		},
	}
}
