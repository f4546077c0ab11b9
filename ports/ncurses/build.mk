# SPDX-License-Identifier: MIT
# What ncurses makes libncursesw.a of; panels, menus and forms are left out.
KIND := library
SOURCES := $(patsubst %,ncurses/base/%.c, \
	define_key key_defined keybound keyok legacy_coding lib_addch lib_addstr lib_beep \
	lib_bkgd lib_box lib_chgat lib_clear lib_clearok lib_clrbot lib_clreol lib_color \
	lib_colorset lib_delch lib_delwin lib_dft_fgbg lib_echo lib_endwin lib_erase lib_flash \
	lib_freeall lib_getch lib_getstr lib_hline lib_immedok lib_inchstr lib_initscr lib_insch \
	lib_insdel lib_insnstr lib_instr lib_isendwin lib_leaveok lib_mouse lib_move lib_mvwin \
	lib_newterm lib_newwin lib_nl lib_overlay lib_pad lib_printw lib_redrawln lib_refresh \
	lib_restart lib_scanw lib_screen lib_scroll lib_scrollok lib_scrreg lib_set_term lib_slk \
	lib_slkatr_set lib_slkatrof lib_slkatron lib_slkatrset lib_slkattr lib_slkclear \
	lib_slkcolor lib_slkinit lib_slklab lib_slkrefr lib_slkset lib_slktouch lib_touch \
	lib_ungetch lib_vline lib_wattroff lib_wattron lib_winch lib_window nc_panel new_pair \
	resizeterm safe_sprintf tries use_window version vsscanf wresize)
SOURCES += $(patsubst %,ncurses/tinfo/%.c, \
	access add_tries alloc_ttype comp_error comp_hash db_iterator doalloc entries free_ttype \
	getenv_num hashed_db home_terminfo init_keytry lib_acs lib_baudrate lib_cur_term \
	lib_data lib_has_cap lib_kernel lib_longname lib_napms lib_options lib_print lib_raw \
	lib_setup lib_termcap lib_termname lib_tgoto lib_ti lib_tparm lib_tputs lib_ttyflags \
	name_match obsolete read_entry read_termcap strings trim_sgr0 use_screen)
SOURCES += $(patsubst %,ncurses/trace/%.c,lib_trace varargs visbuf)
SOURCES += $(patsubst %,ncurses/tty/%.c,hardscroll hashmap lib_mvcur lib_tstp lib_twait lib_vidattr tty_update)
SOURCES += $(patsubst %,ncurses/widechar/%.c, \
	charable lib_add_wch lib_box_set lib_cchar lib_erasewchar lib_get_wch lib_get_wstr \
	lib_hline_set lib_in_wch lib_in_wchnstr lib_ins_wch lib_inwstr lib_key_name \
	lib_pecho_wchar lib_slk_wset lib_unget_wch lib_vid_attr lib_vline_set lib_wacs \
	lib_wunctrl)
GENERATED := $(patsubst %,ncurses/%.c,codes comp_captab comp_userdefs expanded fallback lib_gen lib_keyname names unctrl)
FLAGS := -DHAVE_CONFIG_H -DBUILDING_NCURSES -DNDEBUG
INCLUDES := $(PORTS_BUILD)/ports/ncurses/generated/ncurses $(UPSTREAM)/ncurses/ncurses \
	$(PORTS_BUILD)/ports/ncurses/generated/include $(UPSTREAM)/ncurses/include
