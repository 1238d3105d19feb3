//! The list of all cases, once. A case that is not listed is found by this crate's own test.

use futures::future::BoxFuture;

use crate::{Need, World};

/// One case: what it needs, and how it is run in a world with nothing in it yet.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The operation it is about.
    pub operation: &'static str,
    /// What it shows.
    pub name: &'static str,
    /// What it needs of its world.
    pub needs: &'static [Need],
    pub(crate) run: fn(World) -> BoxFuture<'static, ()>,
}

/// Makes a test of every case in this world, which is named by the whole path of an `async fn() -> World`. Such a world
/// must have everything that a case may need; one that hasn't is for [`run`](crate::run()).
#[macro_export]
macro_rules! conformance {
    ($world:path) => {
        $crate::conformance! { @every tests [$world] }
    };
    (@every $kind:ident $with:tt) => {
        $crate::conformance! { @$kind $with;
            create_chat {
                a_chat_for_an_order_is_new_and_a_talk [Clock]
                a_chat_is_made_for_orders_of_every_model [Market]
                a_chat_is_made_for_returns_of_every_model_but_dbs [Market]
                a_return_of_a_dbs_order_has_no_chat [Market]
                the_chat_of_a_context_is_made_once [Market]
                a_return_has_another_chat_than_its_order [Market]
                two_returns_of_one_order_have_two_chats [Market]
                the_talk_is_found_and_not_the_dispute [Market]
                a_context_with_only_a_dispute_gets_its_talk [Market]
                the_chat_a_buyer_opened_is_found [Market]
                a_finished_chat_is_found_too [Market]
                an_unknown_order_is_not_found [Market]
                an_unknown_return_is_not_found [Market]
                every_chat_has_an_id_of_its_own [Market]
                many_who_create_one_chat_at_once_get_one_id
                a_shop_and_a_buyer_who_begin_at_once_meet_in_one_chat [Market]
            }
            files {
                the_bytes_come_back_as_they_were_sent [Files Backstage]
                names_in_any_script_and_with_any_signs_are_kept [Files Backstage]
                folders_in_a_name_are_dropped [Files]
                a_link_is_absolute_and_of_a_bearable_length [Files]
                the_same_file_sent_again_has_another_link [Files]
                a_link_that_was_not_given_out_leads_nowhere [Files Backstage]
                a_link_stays_good_when_its_chat_is_closed [Market Files Backstage]
                a_message_shows_the_same_link_each_time [Files]
                a_file_of_the_buyer_comes_to_the_shop [Market Backstage]
                one_file_lies_in_the_store_for_each_message_with_one [Files Backstage]
            }
            get_chat {
                an_unknown_chat_is_not_found
                a_chat_without_messages_was_updated_when_it_was_created [Clock]
                every_message_updates_its_chat_whoever_writes [Market Clock]
                a_file_and_a_sticker_update_their_chat_too [Market Clock Files]
                a_chat_is_updated_when_its_last_message_is_written
                reading_changes_nothing
                closing_a_chat_is_no_message [Market]
            }
            get_chat_history {
                a_chat_without_messages_has_an_empty_history
                every_page_carries_the_context_of_the_chat [Market]
                an_unknown_chat_has_no_history
                messages_come_oldest_first_with_their_senders_and_times [Market Clock]
                fifty_messages_come_unless_said
                a_page_holds_a_hundred_messages_at_most
                a_walk_in_pages_of_any_size_gives_every_message_once
                the_last_full_page_has_no_token
                nothing_is_skipped_or_repeated_while_new_messages_arrive
                writing_in_other_chats_does_not_disturb_a_walk
                a_history_begins_with_the_message_named
                the_message_to_begin_with_need_not_exist
                beyond_the_last_message_there_is_nothing
                the_last_known_message_leads_to_the_new_ones
                a_token_may_be_used_again
                garbage_is_a_bad_page_token
                a_token_changed_in_any_place_is_bad
                a_token_of_another_chat_is_bad
                a_token_of_the_list_is_bad_for_a_history
                histories_of_two_chats_are_kept_apart
            }
            get_chat_message {
                a_message_is_what_the_history_shows [Files]
                an_unknown_message_is_not_found
                a_message_of_an_unknown_chat_is_a_chat_not_found
                a_message_of_another_chat_is_not_found
                a_sticker_has_neither_text_nor_payload [Market]
                what_the_marketplace_wrote_is_what_it_was_told [Market Clock]
            }
            get_chats {
                a_cabinet_without_chats_has_an_empty_list
                the_most_recently_updated_chat_comes_first
                a_new_message_moves_its_chat_to_the_front [Clock]
                chats_come_in_the_order_of_their_update_times [Clock]
                an_order_chat_carries_its_order_shop_and_customer [Market]
                a_return_chat_carries_its_return_and_its_order [Market]
                a_direct_chat_carries_its_customer_and_no_order [Market]
                a_dispute_is_listed_as_a_chat_of_its_own [Market]
                chats_are_found_by_order_ids [Market]
                chats_are_found_by_contexts_of_orders_and_returns [Market]
                an_order_and_a_return_of_one_number_are_not_mixed_up [Market]
                a_context_finds_both_the_talk_and_the_dispute [Market]
                chats_are_found_by_context_types [Market]
                chats_are_found_by_type [Market]
                chats_are_found_by_every_status [Market]
                a_chat_whose_status_changes_is_found_by_the_new_one_only [Market]
                different_filters_must_all_match [Market]
                order_ids_and_contexts_together_must_both_match
                contexts_and_context_types_together_must_both_match [Market]
                duplicates_in_a_filter_change_nothing
                a_filter_that_matches_nothing_gives_an_empty_list
                a_filter_of_many_order_ids_is_taken
                the_list_shows_what_get_chat_shows [Market]
            }
            get_chats_paging {
                ten_chats_come_unless_said
                a_page_holds_as_many_as_the_limit_says
                a_walk_in_pages_of_any_size_gives_every_chat_once
                the_last_full_page_has_no_token
                chats_of_one_and_the_same_moment_are_walked_without_loss
                a_filtered_walk_passes_over_what_does_not_match [Market]
                chats_that_stay_are_seen_once_while_others_move
                a_token_may_be_used_again
                a_token_goes_on_with_another_limit
                a_token_is_good_with_and_without_padding
                garbage_is_a_bad_page_token
                a_token_changed_in_any_place_is_bad
                a_token_of_a_history_is_bad_for_the_list
                a_token_of_another_cabinet_is_bad [OtherCabinet]
            }
            isolation {
                chats_of_another_cabinet_are_not_listed [OtherCabinet]
                a_chat_of_another_cabinet_is_not_found [OtherCabinet]
                a_history_of_another_cabinet_is_not_found [OtherCabinet]
                a_message_of_another_cabinet_is_not_found [OtherCabinet]
                nothing_can_be_written_into_a_chat_of_another_cabinet [OtherCabinet Files]
                a_closed_chat_of_another_cabinet_is_not_found_rather_than_closed [Market OtherCabinet]
                an_order_of_another_cabinet_is_not_found [Market OtherCabinet]
                a_return_of_another_cabinet_is_not_found [Market OtherCabinet]
                a_buyer_opens_no_chat_about_an_order_of_another_cabinet [Market OtherCabinet]
                the_marketplace_writes_into_a_chat_by_its_own_cabinet_only [Market OtherCabinet]
                disputes_are_opened_and_ended_by_their_own_cabinet_only [Market OtherCabinet]
                a_return_is_registered_with_an_order_of_its_own_cabinet_only [Market OtherCabinet]
                a_shop_of_another_cabinet_takes_no_orders [Market OtherCabinet]
                message_ids_grow_over_both_cabinets [Market OtherCabinet]
                a_history_token_of_another_cabinet_is_bad [OtherCabinet]
            }
            market_side {
                an_order_registered_twice_is_one_order [Market]
                an_order_registered_otherwise_is_refused [Market]
                an_order_of_an_unknown_shop_is_refused [Market]
                an_order_is_sold_by_the_first_shop_of_its_model_unless_said [Market]
                an_order_without_a_model_is_fbs_and_may_have_no_customer [Market]
                a_return_registered_twice_is_one_return [Market]
                a_return_registered_with_another_order_is_refused [Market]
                a_return_of_an_unknown_order_is_refused [Market]
                a_chat_about_an_unknown_order_or_return_is_not_opened [Market]
                a_chat_opened_again_is_the_same_with_the_new_words_in_it [Market]
                a_buyer_opens_the_chat_the_shop_has_made [Market]
                two_buyers_with_direct_questions_have_two_chats [Market]
                a_direct_question_has_its_first_words [Market]
                nobody_of_the_marketplace_writes_as_the_shop [Market]
                a_message_is_either_a_text_or_a_sticker [Market]
                the_marketplace_writes_into_known_chats_only [Market]
                a_closed_chat_takes_nothing_from_the_buyer_either [Market]
                a_chat_closed_twice_is_closed_once [Market]
                a_direct_question_is_no_matter_for_a_dispute [Market]
                a_dispute_is_opened_by_order_return_context_or_chat [Market]
                a_dispute_about_what_does_not_exist_is_not_opened [Market]
                only_a_dispute_is_resolved [Market]
                support_and_market_are_shown_as_who_they_are [Market]
            }
            send_file_to_chat {
                a_file_of_the_shop_is_a_message_with_a_payload [Clock Files]
                files_and_texts_stand_in_the_order_of_sending [Files]
                a_file_waits_for_the_customers_answer_as_a_text_does [Market Files]
                a_file_of_exactly_the_largest_size_is_taken [Files Backstage]
                one_byte_more_is_refused_and_leaves_nothing [Files]
                a_file_far_too_large_is_refused_and_leaves_nothing [Files]
                an_upload_that_breaks_off_leaves_nothing [Files]
                an_upload_that_breaks_off_at_once_leaves_nothing [Files]
                an_unknown_chat_takes_no_file [Files]
                a_closed_chat_takes_no_file [Market Files]
                chats_of_every_kind_take_files [Market Files]
                files_sent_at_once_are_all_there_with_their_own_bytes [Files Backstage]
            }
            send_message_to_chat {
                a_message_of_the_shop_is_in_the_history [Clock]
                sending_twice_writes_twice
                an_unknown_chat_takes_no_message
                a_closed_chat_takes_no_message [Market]
                a_resolved_dispute_takes_no_message [Market]
                chats_of_every_kind_take_messages [Market]
                texts_in_any_script_come_back_unchanged
                emoji_come_back_unchanged
                quotes_and_backslashes_come_back_unchanged
                line_ends_and_control_characters_come_back_unchanged
                blanks_around_a_text_are_kept
                markup_is_only_text
                a_text_of_4096_code_points_is_taken
                message_ids_grow_over_all_chats [Market]
                message_ids_are_the_time_in_microseconds [Clock]
                message_ids_grow_while_the_clock_stands_still [Clock]
                message_ids_grow_while_the_clock_goes_back [Clock]
                what_is_sent_at_once_is_all_there_once_and_in_order
                what_is_sent_at_once_into_many_chats_has_different_ids
                a_walk_while_others_write_has_no_gap
            }
            status {
                a_chat_the_shop_made_is_new
                a_chat_opened_with_the_buyers_words_waits_for_the_shop [Market]
                a_direct_question_waits_for_the_shop [Market]
                a_chat_opened_without_words_is_new [Market]
                the_buyers_first_words_make_a_new_chat_wait_for_the_shop [Market]
                the_shops_words_make_a_chat_wait_for_the_buyer
                a_talk_goes_to_and_fro [Market]
                a_file_or_a_sticker_of_the_buyer_waits_for_the_shop [Market]
                a_message_of_market_changes_no_status [Market]
                a_dispute_waits_for_the_arbiter [Market]
                the_shops_words_leave_a_dispute_with_the_arbiter [Market Files]
                an_arbiter_asks_each_side_in_turn [Market]
                an_answer_to_the_arbiter_goes_back_to_the_arbiter [Market]
                a_resolved_dispute_is_finished [Market]
                a_closed_chat_is_finished [Market]
                a_dispute_leaves_the_talk_as_it_was [Market]
                a_refused_message_changes_no_status [Market]
            }
        }
    };
    (@tests [$world:path]; $($operation:ident { $($case:ident $([$($need:ident)+])?)+ })+) => {$(
        mod $operation {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let world = $world().await;
                world.assert_has(&[$($($crate::Need::$need),+)?]);
                $crate::cases::$operation::$case(&world).await;
                world.finish();
            }
        )+}
    )+};
    (@cases []; $($operation:ident { $($case:ident $([$($need:ident)+])?)+ })+) => {
        /// Every case, by operation.
        pub const CASES: &[Case] = &[$($(Case {
            operation: stringify!($operation),
            name: stringify!($case),
            needs: &[$($(Need::$need),+)?],
            run: |world| Box::pin(async move {
                $crate::cases::$operation::$case(&world).await;
                world.finish();
            }),
        },)+)+];
    };
}

conformance! { @every cases [] }
